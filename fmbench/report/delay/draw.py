"""Write the tables of delays and executions of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.delay.rows import DelayRow
from fmbench.report.delay.text import delay_markdown
from fmbench.report.results import Results
from fmbench.storage.files import write_bytes_atomic

TEXT_FILE = "delays.md"
FIGURE = "delay"


def write_delay_tables(rows: Sequence[DelayRow], results: Results, run_dir: Path) -> list[Path]:
    """Write `delays.csv` and `delays.md` and return the paths; without rows remove both.

    Args:
        rows: The rows, as of `delay_rows`.
        results: Their run.
        run_dir: Its folder.
    """
    table, text = run_dir / DelayRow.file_name, run_dir / TEXT_FILE
    if not rows:
        for path in (table, text):
            path.unlink(missing_ok=True)
        return []
    write_with_caveats(table, rows, [results.unfinished] * len(rows), DelayRow)
    write_bytes_atomic(text, delay_markdown(rows, results).encode())
    return [table, text]
