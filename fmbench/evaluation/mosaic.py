"""One image of all tasks: a frame from each task's contact sheet, with its name."""

from pathlib import Path

import numpy as np
from PIL import Image

from envs.registry import suite
from envs.render import GAP_PIXELS
from fmbench.evaluation.contact_sheets import FRAME_PIXELS
from fmbench.evaluation.titled_sheet import write_titled_sheet

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
    write_titled_sheet(path, frames, COLUMNS, names)
    return len(names)


def _frame(sheet: Path) -> np.ndarray:
    """Return one frame of a sheet, (FRAME_PIXELS, FRAME_PIXELS, 3) uint8."""
    left = FRAME * (FRAME_PIXELS + GAP_PIXELS)
    with Image.open(sheet) as image:
        return np.asarray(image.convert("RGB"))[:FRAME_PIXELS, left : left + FRAME_PIXELS]
