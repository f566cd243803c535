"""What may be in a folder before it is that of a grid: the grid's runs of policies from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.runs.grid.planned import Grid
from fmbench.runs.run_folder import BEFORE_AGENTS, check_content, check_empty
from fmbench.storage.leftovers import is_leftover


def check_new(out: Path, grid: Grid) -> None:
    """Reject a folder that holds more than runs from outside of a grid, finished or not.

    Other commands may have written them before the grid is begun. Nothing is written.

    Args:
        out: A folder without a grid.
        grid: The one that is to be done there.

    Raises:
        FmbenchError: It holds something else; the message names it, or the folder that has it.
    """
    outside = {s.name: s.outside for s in grid.sections if s.outside and (out / s.name).is_dir()}
    check_empty(out, "grid", outside)
    for section, names in outside.items():
        _check_section(out / section, names)


def _check_section(folder: Path, names: Sequence[str]) -> None:
    runs = [folder / name for name in names if (folder / name).is_dir()]
    for entry in sorted(folder.iterdir()):
        if entry not in runs and not is_leftover(entry):
            raise FmbenchError(
                f"{folder.parent} holds no grid, and {entry} is no run from outside of this one; "
                "give another --out"
            )
    for run in runs:
        check_content(run, BEFORE_AGENTS)
