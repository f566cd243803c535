"""The episodes of a run folder and the origin of each cell: `episodes.csv` and `cells.csv`.

Every cell in `episodes.csv` has exactly one row in `cells.csv`, and the reverse; both are checked
at every write and read.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fmbench.errors import FmbenchError
from fmbench.storage.compressed import (
    SUFFIX,
    compress_file,
    convert_earlier,
    is_stored,
    stored_path,
)
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.provenance import versions_text
from fmbench.storage.row_files import read_header, read_rows, write_rows
from fmbench.storage.row_tables import RowTable, read_table, table_of
from fmbench.storage.rows import (
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    Row,
    TrainingRow,
    cell_text,
    columns,
    later_columns,
)
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts
from fmbench.storage.seals import has_seal_of, is_sealed, sealed

Cell = tuple[Any, ...]
"""The values of `CellRow.key`."""


@dataclasses.dataclass(frozen=True)
class Episodes:
    """Episodes of some cells, and the origin of each cell's numbers."""

    rows: list[EpisodeRow] = dataclasses.field(default_factory=list)
    origins: list[OriginRow] = dataclasses.field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """Whether a policy failed in one of them."""
        return any(row.error for row in self.rows)

    def __add__(self, other: Episodes) -> Episodes:
        """Return these episodes followed by those of other cells."""
        return Episodes(self.rows + other.rows, self.origins + other.origins)


@dataclasses.dataclass(frozen=True)
class EpisodeTable:
    """The same as a table, which is read much faster.

    Attributes:
        table: The episodes.
        origins: The origin of each cell's numbers.
    """

    table: RowTable[EpisodeRow]
    origins: list[OriginRow]

    @property
    def rows(self) -> list[EpisodeRow]:
        """The episodes as rows."""
        return self.table.rows

    @property
    def places(self) -> dict[Cell, list[int]]:
        """The places of the episodes of every cell in the table, in order."""
        return self.table.groups(CellRow.key)

    @property
    def seeds(self) -> dict[Cell, list[int]]:
        """The episode seeds of every cell, in order."""
        seeds = self.table.columns["episode_seed"]
        return {cell: [seeds[place] for place in at] for cell, at in self.places.items()}


@dataclasses.dataclass(frozen=True)
class _EarlierRow(EpisodeRow):
    """One episode in the first version's format: with its origin, without `cells.csv`."""

    digits: ClassVar[int] = 17

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
    rows = _rows_by_cell(episodes)
    _check_cells(folder, list(rows), episodes.origins)
    origins = [sealed(origin, rows[_key(origin)], EpisodeRow) for origin in episodes.origins]
    write_rows(folder / OriginRow.file_name, origins, OriginRow)
    write_rows(folder / EpisodeRow.file_name, episodes.rows, EpisodeRow)


def read_episodes(folder: Path) -> Episodes:
    """Read the two files of a run folder, or the single file of the first version.

    Raises:
        FmbenchError: A file is missing or malformed, or the two do not match.
    """
    found = read_episode_table(folder)
    return Episodes(found.rows, found.origins)


def read_episode_table(folder: Path) -> EpisodeTable:
    """Read the same as a table.

    Raises:
        FmbenchError: A file is missing or malformed, or the two do not match.
    """
    path = folder / EpisodeRow.file_name
    if set(read_header(path)) == set(columns(_EarlierRow)) - later_columns(_EarlierRow):
        earlier = _from_earlier(folder, read_rows(path, _EarlierRow))
        return EpisodeTable(table_of(earlier.rows, EpisodeRow), earlier.origins)
    origin_path = folder / OriginRow.file_name
    has_seals = "rows_hash" in read_header(origin_path)  # earlier files have no hashes
    table = read_table(path, EpisodeRow, with_texts=has_seals)
    episodes = EpisodeTable(table, read_rows(origin_path, OriginRow))
    _check_cells(folder, list(episodes.places), episodes.origins)
    if has_seals:
        _check_seals(folder, episodes)
    return episodes


ROW_FILES: tuple[type[Row], ...] = (
    EpisodeRow,
    OriginRow,
    MeasurementRow,
    TrainingRow,
    DiagnosticRow,
    LearningRow,
)
"""The kinds of rows that a run has, each in a file."""


def unpack_earlier(folder: Path) -> None:
    """Unpack the files of rows that an earlier version compressed.

    Raises:
        FmbenchError: One cannot be unpacked.
    """
    for row_type in ROW_FILES:
        convert_earlier(folder / row_type.file_name)


def compress_run(folder: Path) -> list[Path]:
    """Replace the files of rows by `.csv.bz2`, ready to be committed.

    The text of all files stays what it is, so that hashes of it stay valid; only a folder of the
    first version, which has none, is converted to the present format. The folder is readable at
    every moment.

    Returns:
        The paths of its row files.

    Raises:
        FmbenchError: A file cannot be read.
    """
    episodes = read_episodes(folder)
    if not is_stored(folder / OriginRow.file_name):
        write_episodes(folder, episodes)
    paths = []
    for row_type in ROW_FILES:
        path = stored_path(folder / row_type.file_name)
        if os.path.lexists(path):
            paths.append(path if path.suffix == SUFFIX else compress_file(path))
    return paths


def _from_earlier(folder: Path, earlier_rows: Iterable[_EarlierRow]) -> Episodes:
    """Return the episodes of a folder of the first version, with one origin for each cell."""
    run = read_run_facts(folder) if os.path.lexists(folder / RUN_FILE) else RunFacts()
    versions = versions_text(run.versions)
    episode_columns = list(columns(EpisodeRow))
    origin_columns = [name for name in columns(_EarlierRow) if name not in episode_columns]
    rows: list[EpisodeRow] = []
    origins: dict[Cell, OriginRow] = {}
    for row in earlier_rows:
        rows.append(EpisodeRow(**{name: getattr(row, name) for name in episode_columns}))
        facts = {name: getattr(row, name) for name in origin_columns}
        origin = OriginRow(**row.cell, **facts, versions=versions)
        if origins.setdefault(_key(row), origin) != origin:
            raise FmbenchError(
                f"{folder / EpisodeRow.file_name}: episodes of {_label(_key(row))} have several "
                "origins"
            )
    return Episodes(rows, list(origins.values()))


def _check_cells(folder: Path, cells: Sequence[Cell], origins: Sequence[OriginRow]) -> None:
    """Reject episodes without an origin, and origins without episodes."""
    origin_cells = {_key(row): None for row in origins}
    path = folder / OriginRow.file_name
    if without_origin := [cell for cell in cells if cell not in origin_cells]:
        raise FmbenchError(f"{path} has no row of {_label(without_origin[0])}, which has episodes")
    present = set(cells)
    if without_episodes := [cell for cell in origin_cells if cell not in present]:
        raise FmbenchError(
            f"{path} has a row of {_label(without_episodes[0])}, which has no episodes"
        )


def _check_seals(folder: Path, episodes: EpisodeTable) -> None:
    """Reject rows that were changed after they were written."""
    texts = episodes.table.texts
    for origin in episodes.origins:
        places = episodes.places[_key(origin)]
        if texts and has_seal_of(origin, [texts[place] for place in places]):
            continue
        if not is_sealed(origin, map(episodes.table.row, places), EpisodeRow):
            raise FmbenchError(
                f"{folder / EpisodeRow.file_name}: rows of {_label(_key(origin))} were changed "
                f"after they were written (rows_hash in {OriginRow.file_name} differs)"
            )


def _rows_by_cell(episodes: Episodes) -> dict[Cell, list[EpisodeRow]]:
    rows: dict[Cell, list[EpisodeRow]] = {}
    for row in episodes.rows:
        rows.setdefault(_key(row), []).append(row)
    return rows


def _key(row: CellRow) -> Cell:
    return tuple(getattr(row, name) for name in CellRow.key)


def _label(cell: Cell) -> str:
    """Return a cell as text for a message."""
    return cell_text(dict(zip(CellRow.key, cell, strict=True)))
