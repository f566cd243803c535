"""The episodes of a run folder with the origin of each cell: `episodes.csv` and `cells.csv`.

Every cell of the one file has exactly one row in the other, which is checked whenever the two are
written or read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.storage.compressed import SUFFIX, compress_file, stored_path
from fmbench.storage.provenance import versions_text
from fmbench.storage.row_files import read_header, read_rows, write_rows
from fmbench.storage.rows import (
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    Row,
    TrainingRow,
    columns,
)
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts


@dataclasses.dataclass(frozen=True)
class Episodes:
    """Episodes of some cells, and where the numbers of each of these cells come from."""

    rows: list[EpisodeRow] = dataclasses.field(default_factory=list)
    origins: list[OriginRow] = dataclasses.field(default_factory=list)

    def __add__(self, more: Episodes) -> Episodes:
        """Return these episodes followed by those of other cells."""
        return Episodes(self.rows + more.rows, self.origins + more.origins)


@dataclasses.dataclass(frozen=True)
class _EarlierRow(EpisodeRow):
    """One episode as the first version wrote it: with its origin, and without `cells.csv`."""

    task_version: int
    weights_hash: str
    demonstrations_hash: str
    task_hash: str
    config_hash: str
    commit: str
    device: str


def write_episodes(folder: Path, episodes: Episodes) -> None:
    """Write the two files of a run folder.

    Raises:
        FmbenchError: A cell has no origin, or more than one, or an origin has no episodes.
    """
    _check_cells(folder, episodes)
    write_rows(folder / OriginRow.file_name, episodes.origins, OriginRow)
    write_rows(folder / EpisodeRow.file_name, episodes.rows, EpisodeRow)


def read_episodes(folder: Path) -> Episodes:
    """Read the two files of a run folder, or the one of a folder of the first version.

    Raises:
        FmbenchError: A file is missing or malformed, or the two do not fit together.
    """
    path = folder / EpisodeRow.file_name
    if set(read_header(path)) == set(columns(_EarlierRow)):
        return _from_earlier(folder, read_rows(path, _EarlierRow))
    rows = read_rows(path, EpisodeRow)
    episodes = Episodes(rows, read_rows(folder / OriginRow.file_name, OriginRow))
    _check_cells(folder, episodes)
    return episodes


def compress_run(folder: Path) -> list[Path]:
    """Put `episodes.csv.xz` in the place of `episodes.csv`, ready to be committed.

    All files of rows are written again on the way, which brings a folder of the first version to
    the present form and changes nothing else. The folder can be read at every moment.

    Returns:
        The paths of its files of rows.

    Raises:
        FmbenchError: A file cannot be read.
    """
    write_episodes(folder, read_episodes(folder))
    path = stored_path(folder / EpisodeRow.file_name)
    paths = [path if path.suffix == SUFFIX else compress_file(path), folder / OriginRow.file_name]
    others: tuple[type[Row], ...] = (MeasurementRow, TrainingRow, DiagnosticRow)
    for row_type in others:
        path = stored_path(folder / row_type.file_name)
        if path.exists():
            write_rows(path, read_rows(path, row_type), row_type)
            paths.append(path)
    return paths


def _from_earlier(folder: Path, found: Iterable[_EarlierRow]) -> Episodes:
    """Return the episodes of a folder of the first version, with one origin for each cell."""
    run = read_run_facts(folder) if (folder / RUN_FILE).exists() else RunFacts()
    versions = versions_text(run.versions)
    of_episode = list(columns(EpisodeRow))
    of_origin = [name for name in columns(_EarlierRow) if name not in of_episode]
    rows: list[EpisodeRow] = []
    origins: dict[tuple[object, ...], OriginRow] = {}
    for row in found:
        rows.append(EpisodeRow(**{name: getattr(row, name) for name in of_episode}))
        facts = {name: getattr(row, name) for name in of_origin}
        origin = OriginRow(**row.cell, **facts, versions=versions)
        if origins.setdefault(tuple(row.cell.values()), origin) != origin:
            raise FmbenchError(
                f"{folder / EpisodeRow.file_name}: episodes of {_said(row)} have several origins"
            )
    return Episodes(rows, list(origins.values()))


def _check_cells(folder: Path, episodes: Episodes) -> None:
    """Refuse episodes without an origin, and origins without episodes."""
    cells = {tuple(row.cell.values()): row for row in episodes.rows}
    origins = {tuple(row.cell.values()): row for row in episodes.origins}
    path = folder / OriginRow.file_name
    if lacking := [row for cell, row in cells.items() if cell not in origins]:
        raise FmbenchError(f"{path} has no row of {_said(lacking[0])}, which has episodes")
    if foreign := [row for cell, row in origins.items() if cell not in cells]:
        raise FmbenchError(f"{path} has a row of {_said(foreign[0])}, which has no episodes")


def _said(row: CellRow) -> str:
    """Name the cell of a row for a message."""
    return ", ".join(f"{name}={value}" for name, value in row.cell.items())
