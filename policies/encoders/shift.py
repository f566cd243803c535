"""Random shifts of pictures, the augmentation of end-to-end training.

Yarats et al. 2021 (arXiv 2107.09645), section 3.1, with whole pixels: a picture is padded by its
border and cut out again at another place. The pictures of one sample's window shift together, so
that what moves between them does not change; each camera shifts on its own.
"""

import torch
from torch import Tensor

SHIFT_PX = 4
"""Largest shift in either direction [px]."""


def draw_shifts(
    samples: int,
    cameras: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    largest: int = SHIFT_PX,
) -> Tensor:
    """Draw the shifts of a batch.

    Args:
        samples: Samples in the batch.
        cameras: Cameras of a sample.
        generator: The only source of randomness, on `device`.
        device: The device of the pictures.
        largest: Largest shift [px].

    Returns:
        `(samples, cameras, 2)` int64, down and right, each from -largest to largest.
    """
    size = (samples, cameras, 2)
    return torch.randint(-largest, largest + 1, size, generator=generator, device=device)


def shifted(pictures: Tensor, rows: Tensor, shifts: Tensor) -> Tensor:
    """Gather the windows of a batch out of all pictures, each shifted, in one pass.

    Only indices on the device are computed: nothing waits for it, and a CUDA graph can record it.

    Args:
        pictures: All pictures, `(M, cameras, H, W, 3)`, of any type.
        rows: The pictures of each sample's window, `(samples, window)`, each from 0 to M - 1.
        shifts: The result of `draw_shifts`.

    Returns:
        `(samples, window, cameras, H, W, 3)`; what a shift moves in is the nearest pixel.
    """
    cameras, height, width = pictures.shape[1:4]
    device = pictures.device
    # content moves down by the shift: row y shows what was at row y - shift
    y = (torch.arange(height, device=device) - shifts[..., :1]).clamp(0, height - 1)
    x = (torch.arange(width, device=device) - shifts[..., 1:]).clamp(0, width - 1)
    camera = torch.arange(cameras, device=device)[:, None, None]
    return pictures[
        rows[:, :, None, None, None], camera, y[:, None, :, :, None], x[:, None, :, None]
    ]


def shift(pictures: Tensor, shifts: Tensor) -> Tensor:
    """Shift windows that were gathered already; see `shifted`.

    Args:
        pictures: `(samples, window, cameras, H, W, 3)`.
        shifts: The result of `draw_shifts`.

    Returns:
        The same shape.
    """
    samples, window = pictures.shape[:2]
    rows = torch.arange(samples * window, device=pictures.device).reshape(samples, window)
    return shifted(pictures.flatten(0, 1), rows, shifts)
