"""Files of figures: style, marks of what is no result, and caveats below the figure."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure
from PIL import Image

from fmbench.storage.files import write_bytes_atomic

STYLE = str(Path(__file__).with_name("fmbench.mplstyle"))
_NO_ORIGIN: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_NO_ORIGIN)
"""Formats of figures."""
_RED = "#B00020"
_MAX_CAVEATS = 4
_CHARACTERS_PER_IN = 17.5
"""Characters of a caveat on one inch of the figure's width."""
MAX_COLOURS = 256
"""Colours of a PNG file: a third of the bytes, and no edge that one could see is different."""


def figure_file(
    draw: Callable[[], Figure],
    file_format: str = "png",
    is_smoke: bool = False,
    unfinished: str = "",
    caveats: Sequence[str] = (),
) -> bytes:
    """Draw a figure in the style of fmbench and return its file.

    The bytes depend on what is drawn alone: no date, no version, no user style.

    Args:
        draw: Draws the figure.
        file_format: One of `FORMATS`.
        is_smoke: Whether the numbers only test the software.
        unfinished: What is missing, for the title; empty if nothing is.
        caveats: Lines below the figure.
    """
    with style.context(["default", STYLE]):
        figure = draw()
        if is_smoke:
            _watermark(figure)
        if unfinished:
            _write_title(figure, unfinished)
        if caveats:
            _write_below(figure, caveats)
        file = io.BytesIO()
        figure.savefig(file, format=file_format, metadata=_NO_ORIGIN[file_format])
    return with_palette(file.getvalue()) if file_format == "png" else file.getvalue()


def with_palette(png: bytes) -> bytes:
    """Return a PNG file of an opaque picture with at most `MAX_COLOURS` colours, not dithered.

    A picture with no more than that keeps each of its pixels.
    """
    with Image.open(io.BytesIO(png)) as image:
        opaque, dpi = image.convert("RGB"), image.info.get("dpi")
    few = opaque.quantize(MAX_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "png", **({"dpi": dpi} if dpi else {}))
    return file.getvalue()


def write_figure(
    path: Path, formats: Sequence[str], render: Callable[[str], bytes] | None
) -> list[Path]:
    """Write a figure in some formats, and return the paths.

    A file of it in another format is written, too, so that none is left of an earlier state.

    Args:
        path: The path without its format.
        formats: Any of `FORMATS`.
        render: Returns the file in one of them; None removes the figure.
    """
    written = []
    for file_format in FORMATS:
        file = path.with_name(f"{path.name}.{file_format}")
        if render is None:
            file.unlink(missing_ok=True)
        elif file_format in formats or file.exists():
            write_bytes_atomic(file, render(file_format))
            written.append(file)
    return written


def _watermark(figure: Figure) -> None:
    """Mark a figure as a smoke run, whose numbers are not results."""
    look: dict[str, Any] = {"color": _RED, "alpha": 0.25, "fontweight": "bold"}
    figure.text(0.5, 0.5, "SMOKE RUN, NOT A RESULT", fontsize=30, rotation=12, **look, ha="center")


def _write_title(figure: Figure, text: str) -> None:
    """Write a title above a figure, in its legend if that stands above the figure."""
    look: dict[str, Any] = {"fontsize": 11, "fontweight": "bold"}
    if not figure.legends:
        figure.suptitle(text, color=_RED, **look)
        return
    legend = figure.legends[0]
    legend.set_title(text)
    legend.get_title().set(color=_RED, **look)


def _write_below(figure: Figure, caveats: Sequence[str]) -> None:
    """Write caveats below a figure, which gets as much higher; too many are only counted."""
    lines = list(caveats[:_MAX_CAVEATS])
    if more := len(caveats) - len(lines):
        lines.append(f"and {more} more caveat{'s' if more > 1 else ''}, listed in the tables")
    width, height = figure.get_size_inches()
    columns = int(width * _CHARACTERS_PER_IN)
    wrapped = [line for text in lines for line in textwrap.wrap(_drawable(text), columns)]
    figure.set_size_inches(width, height + 0.15 * len(wrapped))
    figure.supxlabel(
        "\n".join(wrapped), x=0.01, ha="left", fontsize=7.5, color=_RED, parse_math=False
    )


def _drawable(text: str) -> str:
    """Escape the characters that the font lacks; an error may have any."""
    return text.replace("…", "...").encode("latin-1", "backslashreplace").decode("latin-1")
