"""Write the paper of a grid as Markdown and LaTeX, from its text and its tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fmbench.errors import FmbenchError, unknown
from fmbench.report.paper.fill import fill
from fmbench.report.paper.latex import RAW, latex_of
from fmbench.report.paper.settings import setting
from fmbench.report.paper.tables import Tables
from fmbench.storage.files import write_bytes_atomic

TEXT, PAPER = "text.md", "paper"
"""The text with placeholders in the folder of a grid, and the name of what is made of it."""


SMALL = r"\tiny\setlength{\tabcolsep}{3pt}"
"""How a table of seven policies fits on a page."""


def draw_paper(out: Path) -> list[Path]:
    """Write `paper.md` and `paper.tex` if the folder of a grid has a text.

    Args:
        out: The folder, with the tables and figures of its sections.

    Returns:
        The paths written; none if there is no text.

    Raises:
        FmbenchError: The text asks for what is not there, or has what LaTeX is not made of.
    """
    path = out / TEXT
    if not path.is_file():
        return []
    text, tables, shared = path.read_text(encoding="utf-8"), Tables(out), partial(setting, out)
    markdown = fill(text, path, tables, partial(_as_markdown, out), shared)
    latex = latex_of(fill(text, path, tables, partial(_as_latex, out), shared))
    written = []
    for end, content in (("md", markdown), ("tex", latex)):
        written.append(out / f"{PAPER}.{end}")
        write_bytes_atomic(written[-1], content.encode())
    return written


def _as_markdown(out: Path, section: str) -> str:
    """Return the headline table of a section without its heading."""
    path = _table(out, section, "md")
    return path.read_text(encoding="utf-8").partition("\n\n")[2].rstrip()


def _as_latex(out: Path, section: str) -> str:
    """Return a block of LaTeX that includes the headline table of a section."""
    name = _table(out, section, "tex").relative_to(out).as_posix()
    table = f"{SMALL}\\begin{{center}}\n\\input{{{name}}}\\end{{center}}"
    return f"```{RAW}\n{{{table}}}\n```"


def _table(out: Path, section: str, end: str) -> Path:
    path = out / section / f"headline.{end}"
    if not path.is_file():
        there = sorted(each.parent.name for each in out.glob(f"*/headline.{end}"))
        if not there:
            raise FmbenchError(f"{out} has no table yet")
        raise unknown("section with a table", section, there)
    return path
