"""Boxes around what a picture shows of each thing, from the geom that every pixel shows."""

from dataclasses import dataclass

import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.pictures.ray_scene import RayPictures
from fmbench.detection.classes import CLASSES, Part

MIN_SHARE = 4 / 96**2
"""Least share of a picture that a thing must cover; one that shows less is hidden."""


@dataclass(frozen=True)
class Boxes:
    """The boxes of one picture.

    Attributes:
        kinds: Indices into `CLASSES`, (n,).
        places: Centre x, centre y, width and height, (n, 4), fractions of the picture's sides from
            its left upper corner.
    """

    kinds: IntArray
    places: FloatArray


def boxes_of(cast: RayPictures, parts: list[Part]) -> list[list[Boxes]]:
    """Return the boxes of pictures: of each simulation, those of each camera.

    A translucent surface, and what is seen through it, have a box each. A box encloses the visible
    pixels; what is hidden has none.

    Args:
        cast: n pictures of each of c cameras.
        parts: What has boxes.
    """
    masks = [np.isin(cast.geoms, part.geoms) | np.isin(cast.markers, part.geoms) for part in parts]
    kinds = np.array([CLASSES.index(part.kind) for part in parts])
    pictures, cameras = cast.geoms.shape[:2]
    return [
        [_boxes(kinds, [mask[k, camera] for mask in masks]) for camera in range(cameras)]
        for k in range(pictures)
    ]


def _boxes(kinds: IntArray, masks: list[BoolArray]) -> Boxes:
    """Return the boxes of one picture from a mask (H, W) of each part."""
    seen = [k for k, mask in enumerate(masks) if mask.sum() >= MIN_SHARE * mask.size]
    places = np.array([_place(masks[k]) for k in seen]).reshape(-1, 4)
    return Boxes(kinds[seen], places)


def _place(mask: BoolArray) -> FloatArray:
    """Return centre and size of the smallest box around the pixels of a mask (H, W)."""
    ends = []
    for axis in (1, 0):  # columns, then rows
        pixels = np.unique(np.nonzero(mask)[axis])
        ends.append((pixels[0] / mask.shape[axis], (pixels[-1] + 1) / mask.shape[axis]))
    (left, right), (top, bottom) = ends
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
