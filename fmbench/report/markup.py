"""Markup of Markdown: tables, and text that is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence


def markdown_table(
    header: Sequence[str], body: Sequence[Sequence[str]], escaped: bool = False
) -> str:
    """Return a Markdown table; the first two columns are left-aligned, the others right."""
    rule = [":--" if i < 2 else "--:" for i in range(len(header))]
    rows = [row if escaped else [escape(cell) for cell in row] for row in body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def escape(text: str) -> str:
    """Escape characters that Markdown or HTML would interpret as markup."""
    for mark in ("\\", "|", "*", "`", "[", "]"):
        text = text.replace(mark, f"\\{mark}")
    return re.sub(r"<(?=\S)", "&lt;", text)
