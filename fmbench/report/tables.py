"""Write the tables of a run; without matplotlib, whose import takes as long as most of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmbench.report.across_tasks.table import AcrossTasks, AcrossTasksRow
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.delay.draw import write_delay_tables
from fmbench.report.delay.rows import DelayRow
from fmbench.report.markdown import summary_markdown
from fmbench.report.results import Results
from fmbench.report.summary import SummaryRow
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows


def write_tables(
    results: Results,
    across: AcrossTasks | None,
    run_dir: Path,
    delays: Sequence[DelayRow] = (),
) -> list[Path]:
    """Write the tables of a run and return the paths.

    Args:
        results: The run.
        across: Its policies, compared over all tasks; None if they are not.
        run_dir: Its folder.
        delays: What `delay_rows` returns of it.
    """
    table, text = run_dir / SummaryRow.file_name, run_dir / "summary.md"
    rows = [SummaryRow(*row) for row in results.summary.itertuples(index=False)]
    write_with_caveats(table, rows, [results.unfinished] * len(rows), SummaryRow)
    write_bytes_atomic(text, summary_markdown(results, across).encode())
    written = [table, text]
    over_tasks = run_dir / AcrossTasksRow.file_name
    if across and across.rows:
        write_rows(over_tasks, across.rows, AcrossTasksRow)
        written.append(over_tasks)
    else:
        over_tasks.unlink(missing_ok=True)
    return written + write_delay_tables(delays, results, run_dir)
