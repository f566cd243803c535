"""One image of all tasks: a frame from each task's contact sheet, with its name."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from envs.registry import suite
from envs.render import GAP_PIXELS, contact_sheet
from fmbench.evaluation.contact_sheets import FRAME_PIXELS
from fmbench.storage.files import write_bytes_atomic

COLUMNS, FRAME = 7, 5
"""Columns of the mosaic, and which frame of a sheet (from 0) it shows: the expert at work."""


def draw_mosaic(path: Path, sheets: Path) -> int:
    """Draw one frame of every sheet `sheets`/TASK.png, in the order of the suite.

    Args:
        path: The PNG to write; not written if there is no sheet.
        sheets: Folder of the contact sheets that `draw_expert_sheet` has drawn.

    Returns:
        The number of tasks in the mosaic.
    """
    names = [name for name in suite() if (sheets / f"{name}.png").exists()]
    if not names:
        return 0
    frames = [_frame(sheets / f"{name}.png") for name in names]
    blank = np.full_like(frames[0], 255)
    frames += [blank] * (-len(frames) % COLUMNS)
    mosaic = Image.fromarray(contact_sheet(frames, COLUMNS))
    pen, step = ImageDraw.Draw(mosaic), FRAME_PIXELS + GAP_PIXELS
    for k, name in enumerate(names):
        corner = (8 + k % COLUMNS * step, 6 + k // COLUMNS * step)
        pen.text(corner, name, fill=(40, 44, 52), font_size=15)
    buffer = io.BytesIO()
    mosaic.save(buffer, format="PNG", optimize=True)
    write_bytes_atomic(path, buffer.getvalue())
    return len(names)


def _frame(sheet: Path) -> np.ndarray:
    """Return one frame of a sheet, (FRAME_PIXELS, FRAME_PIXELS, 3) uint8."""
    left = FRAME * (FRAME_PIXELS + GAP_PIXELS)
    with Image.open(sheet) as image:
        return np.asarray(image.convert("RGB"))[:FRAME_PIXELS, left : left + FRAME_PIXELS]
