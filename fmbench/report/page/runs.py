"""The runs of a page: folders of runs, and those in folders of grids, each with its name."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.page.reading import read_all
from fmbench.report.results import Results
from fmbench.report.verdicts import MARGIN
from fmbench.storage.grid_folder import GRID_FILE, is_grid, read_grid_facts
from fmbench.storage.run_facts import RUN_FILE


@dataclasses.dataclass(frozen=True)
class NamedRun:
    """A run of the page.

    Attributes:
        name: As it is shown: the folder as it was given, or SECTION/RUN of a grid.
        folder: Its folder.
        results: Its rows and tables.
    """

    name: str
    folder: Path
    results: Results


def read_runs(
    paths: Sequence[Path],
    margin: float = MARGIN,
    progress: Callable[[int], None] = lambda done: None,
    leave_out: Callable[[str, str], None] | None = None,
) -> list[NamedRun]:
    """Read folders of runs and of grids, in order.

    Args:
        paths: The folders; of a grid, the runs that are there are read.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        progress: Called with how many runs are read.
        leave_out: Called with the name of a run that cannot be read, and why, if others can; None
            to raise it.

    Raises:
        FmbenchError: A folder is neither, has no run, or is given twice; or no run can be read.
    """
    folders = find_runs(paths)
    runs: list[NamedRun] = []
    errors: dict[str, FmbenchError] = {}
    read = read_all(list(folders.values()), margin)
    for (name, folder), results in zip(folders.items(), read, strict=True):
        if isinstance(results, FmbenchError):
            if leave_out is None:
                raise results
            errors[name] = results
        else:
            runs.append(NamedRun(name, folder, results))
        progress(len(runs) + len(errors))
    if errors and not runs:
        raise next(iter(errors.values()))
    for name, error in errors.items():
        assert leave_out is not None
        leave_out(name, str(error))
    return runs


def find_runs(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the folder of every run by its name, in order; nothing of a run is read.

    Raises:
        FmbenchError: As for `read_runs`.
    """
    found = [named for path in paths for named in _runs_of(path)]
    names = [name for name, _ in found]
    given: dict[Path, Path] = {}
    for _, folder in found:
        before = given.setdefault(folder.resolve(), folder)
        if before is not folder:
            raise FmbenchError(f"{folder} is given twice, first as {before}; give every run once")
    # Runs of two grids may have one name: their folders are different.
    return {name if names.count(name) == 1 else str(folder): folder for name, folder in found}


def _runs_of(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and folder of the runs of one folder that was given."""
    if not path.is_dir():
        state = "is a file" if path.exists() else "does not exist"
        raise FmbenchError(f"{path} {state}; give folders of runs or of grids")
    if is_grid(path):
        facts = read_grid_facts(path)
        names = [name for name in (*facts.runs, *facts.outside) if _is_run(path / name)]
        if not names:
            raise FmbenchError(f"{path} has no run yet; python -m fmbench.paper makes them")
        yield from ((name, path / name) for name in names)
    elif _is_run(path) or os.path.lexists(path / "cells.csv"):
        yield str(path), path
    else:
        below = next((folder for folder in sorted(path.iterdir()) if _is_run(folder)), None)
        hint = f"; did you mean the runs in it, like {below}?" if below else ""
        raise FmbenchError(f"{path} has neither {RUN_FILE} nor {GRID_FILE}, so it is no run{hint}")


def _is_run(folder: Path) -> bool:
    return os.path.lexists(folder / RUN_FILE)
