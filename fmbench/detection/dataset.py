"""Files of labelled pictures in the layout that ultralytics reads.

`images/PART/TASK/N.png` and `labels/PART/TASK/N.txt`, a line of class, centre and size for each
box.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from envs.render import Image as Picture
from fmbench.detection.boxes import Boxes
from fmbench.storage.disk import needs_space
from fmbench.storage.files import write_new

TRAINING, HELD_OUT = "training", "held_out"
"""Parts: what the detector learns from, and what it is tested on."""
STRIDE, GREY = 32, 114
"""Pictures are padded below and on the right, as the encoders pad them."""


class PictureFiles:
    """Writes the labelled pictures of one task and part.

    Args:
        folder: Folder of all pictures.
        part: `TRAINING` or `HELD_OUT`.
        task: Name of the task.

    Attributes:
        count: Pictures written.
        boxes: Boxes written.
    """

    def __init__(self, folder: Path, part: str, task: str) -> None:
        self._images, self._labels = pictures_folder(folder, part) / task, folder / "labels" / part
        self._labels /= task
        for each in (self._images, self._labels):
            each.mkdir(parents=True)
        self.count = self.boxes = 0

    def add(self, pictures: Picture, boxes: list[list[Boxes]]) -> None:
        """Write pictures (n, cameras, H, W, 3) and the boxes of each.

        Raises:
            RunFailed: The disk is full.
        """
        size = pictures.shape[2]
        side = padded_side(size)
        with needs_space(self._images, pictures.nbytes):
            for of_state, labels_of_state in zip(pictures, boxes, strict=True):
                for picture, labels in zip(of_state, labels_of_state, strict=True):
                    name = f"{self.count:06d}"
                    write_new(self._images / f"{name}.png", _png(_padded(picture, side)))
                    text = _lines(labels, size / side)
                    write_new(self._labels / f"{name}.txt", text.encode("ascii"))
                    self.count += 1
                    self.boxes += len(labels.kinds)


def pictures_folder(folder: Path, part: str) -> Path:
    """Return the folder of the pictures of one part."""
    return folder / "images" / part


def padded_side(size: int) -> int:
    """Return the side of pictures of `size` pixels after padding."""
    return size + -size % STRIDE


def _padded(picture: Picture, side: int) -> Picture:
    border = ((0, side - len(picture)), (0, side - len(picture)), (0, 0))
    return np.pad(picture, border, constant_values=GREY)


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _lines(boxes: Boxes, scale: float) -> str:
    """Return the labels of a picture that covers the share `scale` of the padded side."""
    pairs = zip(boxes.kinds.tolist(), (boxes.places * scale).tolist(), strict=True)
    return "".join(f"{kind} {' '.join(f'{v:.6f}' for v in place)}\n" for kind, place in pairs)
