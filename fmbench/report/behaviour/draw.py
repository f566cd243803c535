"""Write the tables of the behaviour of a run's policies."""

from __future__ import annotations

from pathlib import Path

from fmbench.report.behaviour.rows import BehaviourRow, CellBehaviour, behaviours
from fmbench.report.behaviour.text import behaviour_markdown
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.results import Results
from fmbench.storage.files import write_bytes_atomic

TEXT_FILE = "behaviour.md"


def draw_behaviour(results: Results, run_dir: Path) -> tuple[list[Path], list[CellBehaviour]]:
    """Write `behaviour.csv` and `behaviour.md`; without measured episodes remove both.

    Args:
        results: The run.
        run_dir: Its folder.

    Returns:
        The paths, and what there is to draw.
    """
    found = behaviours(results)
    table, text = run_dir / BehaviourRow.file_name, run_dir / TEXT_FILE
    if not found:
        for path in (table, text):
            path.unlink(missing_ok=True)
        return [], []
    rows = [each.row for each in found]
    write_with_caveats(table, rows, [results.unfinished] * len(rows), BehaviourRow)
    write_bytes_atomic(text, behaviour_markdown(found, results).encode())
    return [table, text], found
