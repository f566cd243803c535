"""The command that redraws a run from its rows: `python -m fmbench.figures RUN_DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.command_line import Parser
from fmbench.errors import run_command_line, unknown

FORMATS = ("png", "svg")


def draw_all(run_dir: Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write `summary.csv`, `summary.md` and `figures/` of a run folder.

    The files are functions of the rows: drawing again gives the same bytes. A figure that has no
    rows (training curves of a run of experts) is not drawn.

    Args:
        run_dir: Folder that holds at least `episodes.csv`.
        formats: Any of `FORMATS`.

    Returns:
        The paths written.

    Raises:
        FmbenchError: If the folder or a file in it cannot be read as a run.
    """
    for file_format in formats:
        if file_format not in FORMATS:
            raise unknown("figure format", file_format, FORMATS)
    # Imported here: matplotlib, pandas and scipy take a second that `--help` should not take.
    from fmbench.plots import FIGURES, drawable, render
    from fmbench.records import write_bytes_atomic, write_rows
    from fmbench.results import read_results
    from fmbench.summary import summary_markdown
    from fmbench.tables import SummaryRow

    results = read_results(run_dir)
    table, text = run_dir / SummaryRow.file_name, run_dir / "summary.md"
    rows = [SummaryRow(*row) for row in results.summary.itertuples(index=False)]
    write_rows(table, rows, SummaryRow)
    write_bytes_atomic(text, summary_markdown(results).encode())
    written = [table, text]
    for name in drawable(results):
        for file_format in formats:
            path = run_dir / "figures" / f"{name}.{file_format}"
            write_bytes_atomic(path, render(FIGURES[name], results, file_format))
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser("python -m fmbench.figures", "Redraw a run from its rows.")
    parser.add_argument("run_dir", type=Path, help="folder of a run; holds episodes.csv")
    parser.add_argument(
        "--format", nargs="+", default=["png"], metavar="FORMAT", help="png (default), svg, or both"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(arguments)

    def draw() -> int:
        for path in draw_all(given.run_dir, given.format):
            print(path)
        return 0

    return run_command_line(draw, given.debug)


if __name__ == "__main__":
    sys.exit(main())
