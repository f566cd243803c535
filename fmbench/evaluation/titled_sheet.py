"""Images that are pictures in a grid, some of them with a title."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from envs.render import GAP_PIXELS, contact_sheet
from fmbench.storage.files import write_bytes_atomic

Frame = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
INK = (40, 44, 52)
COLOURS = 256
"""In a picture: with a palette a file is less than half as large."""


def write_titled_sheet(
    path: Path,
    pictures: Sequence[Frame],
    columns: int,
    titles: Sequence[str],
    *,
    every: int = 1,
    corner: tuple[int, int] = (8, 6),
    font_size: int = 15,
    shade: int = 1,
) -> None:
    """Write pictures as the PNG of a grid.

    Args:
        path: The PNG to write.
        pictures: The pictures, row by row, each `(height, width, 3)`.
        columns: Pictures in a row.
        titles: The titles, from the first picture on.
        every: How many pictures further the next title is.
        corner: Where in its picture a title begins, from the left and from above [px].
        font_size: Its height [px].
        shade: The step to which colours are rounded down; larger ones need less space. With 1
            the picture has a palette of `COLOURS` that are near its own.
    """
    sheet = Image.fromarray(contact_sheet(pictures, columns) // shade * shade)
    pen = ImageDraw.Draw(sheet)
    height, width = (side + GAP_PIXELS for side in pictures[0].shape[:2])
    for k, title in enumerate(titles):
        row, column = divmod(k * every, columns)
        pen.text((corner[0] + column * width, corner[1] + row * height), title, fill=INK,
                 font_size=font_size)  # fmt: skip
    if shade == 1:
        sheet = sheet.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    write_bytes_atomic(path, buffer.getvalue())
