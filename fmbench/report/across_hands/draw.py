"""Draw how far hands agree on the order of policies, from the runs of a section of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fmbench.report.across_hands.figure import render_across_hands
from fmbench.report.across_hands.table import AcrossHandsRow, across_hands
from fmbench.report.across_hands.text import across_hands_markdown
from fmbench.report.across_tasks.table import Method
from fmbench.report.looks import Looks, backbone_order
from fmbench.report.rendering import write_figure
from fmbench.report.results import Results
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows

NAME = "across_hands"


def draw_across_hands(
    results: Sequence[Results],
    hands: Sequence[str],
    out: Path,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `across_hands.csv`, `across_hands.md` and the figure `across_hands`.

    Where there are no two hands to compare, earlier ones are removed.

    Args:
        results: The runs.
        hands: The hands on which their tasks are.
        out: Output folder.
        formats: Formats of the figure.

    Returns:
        The paths written.
    """
    looks = Looks(*(run.run for run in results))

    def order(method: Method) -> tuple[object, ...]:
        return backbone_order(method.backbone), looks.order(method.policy), method

    across = across_hands(results, hands, order)
    table, text = out / AcrossHandsRow.file_name, out / f"{NAME}.md"
    if across is None or not across.rows:
        table.unlink(missing_ok=True)
        text.unlink(missing_ok=True)
        return write_figure(out / NAME, formats, None)
    caveats = tuple(dict.fromkeys(line for run in results for line in run.caveats))
    write_rows(table, across.rows, AcrossHandsRow)
    write_bytes_atomic(text, across_hands_markdown(across, looks, caveats).encode())
    is_smoke = any(run.is_smoke for run in results)
    figure = partial(render_across_hands, across.rows, caveats, is_smoke)
    return [table, text, *write_figure(out / NAME, formats, figure)]
