"""Draw the tables and figures of a run folder from its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.errors import unknown
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.markdown import summary_markdown
from fmbench.report.plots import FIGURES, drawable, render
from fmbench.report.results import read_results
from fmbench.report.summary import SummaryRow
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.unfinished import is_unfinished

FORMATS = ("png", "svg")


def draw_all(
    run_dir: Path,
    formats: Sequence[str] = ("png",),
    warn: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write `summary.csv`, `summary.md` and `figures/` of a run folder.

    The files are functions of the rows: redrawing gives the same bytes. A figure without rows
    (training curves of a run of experts) is not drawn. A run that has not finished is drawn from
    its finished cells and marked; a figure that exists in another format is redrawn in it too, so
    that no mark is left when the run has finished.

    Args:
        run_dir: Folder of a run.
        formats: Any of `FORMATS`.
        warn: Called with each caveat of what is drawn.

    Returns:
        The paths written.

    Raises:
        FmbenchError: If the folder or a file in it cannot be read as a run.
    """
    for file_format in formats:
        if file_format not in FORMATS:
            raise unknown("figure format", file_format, FORMATS)

    results = read_results(run_dir)
    table, text = run_dir / SummaryRow.file_name, run_dir / "summary.md"
    rows = [SummaryRow(*row) for row in results.summary.itertuples(index=False)]
    write_with_caveats(table, rows, [results.unfinished] * len(rows), SummaryRow)
    write_bytes_atomic(text, summary_markdown(results).encode())
    written = [table, text]
    for name in drawable(results):
        for file_format in FORMATS:
            path = run_dir / "figures" / f"{name}.{file_format}"
            if file_format not in formats and not path.exists():
                continue
            write_bytes_atomic(path, render(FIGURES[name], results, file_format))
            written.append(path)
    if results.unfinished and not is_unfinished(run_dir):  # it has finished meanwhile
        return draw_all(run_dir, formats, warn)
    for line in filter(None, (results.unfinished, *results.caveats)):
        warn(line)
    return written
