"""The best box of each class of a trained YOLO12 (extra `yolo`: ultralytics, AGPL-3.0), frozen.

Redmon et al. 2016 for the idea, Li et al. 2020 (arXiv 2006.04388) for the distances: a cell gives,
for each side of a box, a distribution over 0..15 strides from the cell's centre. The best box of a
class needs no suppression of others.
"""

from typing import Any

import torch
from torch import Tensor, nn

from policies.encoders.base import FrozenEncoder, freeze
from policies.encoders.feature_head import FeatureHead
from policies.encoders.grid import Maps
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.encoders.yolo12 import NETWORK, check_weights
from policies.registry import load

BOX_NUMBERS = 5
"""Numbers of a box: centre x, centre y, width, height, confidence."""


class BoxesEncoder(FrozenEncoder):
    """`BOX_NUMBERS` for each class and camera: readable numbers, not mapped further.

    Centre and size are fractions of the picture's width and height, from its left upper corner. All
    are 0 where no box of the class has the confidence. `head` only standardises.

    Args:
        shape: The shape of the pictures.
        maps: The network before its head, a `policies.encoders.yolo_network.YoloMaps`.
        detect: The head of the detector.
        classes: Names of the classes.
        threshold: Least confidence of a box.
    """

    def __init__(
        self,
        shape: PictureShape,
        maps: nn.Module,
        detect: Any,
        classes: tuple[str, ...],
        threshold: float,
    ) -> None:
        raw_dim = shape.cameras * len(classes) * BOX_NUMBERS
        head = FeatureHead(raw_dim, shape.cameras, None)
        super().__init__(shape, raw_dim, head)
        self.classes, self.threshold, self.bins = classes, threshold, int(detect.reg_max)
        self.settings["threshold"] = threshold
        self.strides = tuple(float(stride) for stride in detect.stride)
        self.maps = freeze(maps)
        self.sides: nn.ModuleList = freeze(detect.cv2)
        self.scores: nn.ModuleList = freeze(detect.cv3)

    def compute(self, pictures: Tensor) -> Tensor:
        """Map pictures to boxes; see `FrozenEncoder`."""
        boxes, confidences = self.decode(self.maps(pictures.flatten(0, 1)))
        best, place = confidences.max(dim=2)  # over the cells of all scales
        chosen = boxes.gather(2, place[:, None].expand(-1, 4, -1)).transpose(1, 2)
        size = chosen.new_tensor([self.shape.width, self.shape.height] * 2)
        numbers = torch.cat((chosen / size, best[..., None]), dim=2)
        numbers = torch.where(best[..., None] >= self.threshold, numbers, 0.0)
        return numbers.reshape(len(pictures), self.raw_dim)

    def decode(self, maps: Maps) -> tuple[Tensor, Tensor]:
        """Return all boxes and confidences of maps.

        Returns:
            Centre and size [px] `(N, 4, cells)`, and confidences `(N, classes, cells)`, cells of
            all scales one after another.
        """
        boxes, confidences = [], []
        for each, sides, scores, stride in zip(
            maps, self.sides, self.scores, self.strides, strict=True
        ):
            steps = torch.arange(self.bins, dtype=each.dtype, device=each.device)
            odds = sides(each).flatten(2).unflatten(1, (4, self.bins)).softmax(dim=2)
            left, top, right, bottom = (odds * steps[:, None]).sum(2).unbind(1)
            y, x = (torch.arange(side, device=each.device) + 0.5 for side in each.shape[2:])
            y, x = torch.meshgrid(y, x, indexing="ij")
            centre_x, centre_y = x.flatten() + (right - left) / 2, y.flatten() + (bottom - top) / 2
            box = torch.stack((centre_x, centre_y, left + right, top + bottom), dim=1)
            boxes.append(box * stride)
            confidences.append(scores(each).flatten(2).sigmoid())
        return torch.cat(boxes, dim=2), torch.cat(confidences, dim=2)


def build(shape: PictureShape, options: EncoderOptions) -> BoxesEncoder:
    """Build the encoder `boxes`.

    Raises:
        ValueError: The extra or the weights are missing, or the file does not fit.
    """
    check_weights("boxes", options.weights)
    detector, manifest = load(f"{NETWORK}:load_detector", "yolo")(options.weights)
    maps = load(f"{NETWORK}:YoloMaps", "yolo")(detector)
    return BoxesEncoder(shape, maps, detector.model[-1], manifest.classes, options.threshold)
