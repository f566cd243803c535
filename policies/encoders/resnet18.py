"""ResNet18 with GroupNorm, one per camera, trained end to end.

He et al. 2016 (arXiv 1512.03385), table 1, with the normalisation of Wu & He 2018 (arXiv
1803.08494), whose statistics do not depend on the batch. Pictures are scaled to -1..1 and may have
any size of at least 32 pixels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.encoders.base import PictureEncoder
from policies.encoders.heads import FlatHead, SpatialSoftmaxHead
from policies.encoders.pixels import signed
from policies.encoders.shape import CHANNELS, EncoderOptions, PictureShape

STAGES = (64, 128, 256, 512)
"""Channels of the four stages, at strides 4, 8, 16 and 32."""
STRIDE = 32
GROUP = 16
"""Channels of one normalisation group."""


class GroupNorm(nn.GroupNorm):
    """Group normalisation in the precision of its input, also in autocast to bfloat16.

    torch's own is sent to float32 there, which costs more than the convolution before it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels // GROUP, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise `(N, channels, h, w)`."""
        weight, bias = self.weight.to(maps.dtype), self.bias.to(maps.dtype)
        with torch.autocast(maps.device.type, enabled=False):
            return functional.group_norm(maps, self.num_groups, weight, bias, self.eps)


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution without bias and its normalisation."""
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(convolution, GroupNorm(outputs))


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a skip connection."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride)
        self.second = _convolution(outputs, outputs, 3)
        changes = stride > 1 or inputs != outputs
        self.skip = _convolution(inputs, outputs, 1, stride) if changes else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Map `(N, inputs, h, w)` to `(N, outputs, h / stride, w / stride)`, rounded up."""
        change = self.second(functional.relu(self.first(maps)))
        return functional.relu(change + self.skip(maps))


class ResNet18(nn.Module):
    """The convolutional part of ResNet18."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _convolution(CHANNELS, STAGES[0], 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        inputs = (STAGES[0], *STAGES[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(Block(before, after, 1 + (place > 0)), Block(after, after, 1))
            for place, (before, after) in enumerate(zip(inputs, STAGES, strict=True))
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps of pictures `(N, H, W, 3)` uint8 at strides 8, 16 and 32."""
        at_stride_4, at_stride_8, at_stride_16, at_stride_32 = self.stages
        middle = at_stride_8(at_stride_4(self.stem(signed(pictures))))
        coarse = at_stride_16(middle)
        return middle, coarse, at_stride_32(coarse)


class ResNet18Encoder(PictureEncoder):
    """One ResNet18 and one head per camera.

    Args:
        shape: The shape of the pictures; height and width are at least 32 pixels.
        options: Of which `features` and `head` are read.

    Raises:
        ValueError: The pictures are too small.
    """

    def __init__(self, shape: PictureShape, options: EncoderOptions) -> None:
        shape.need_at_least(STRIDE, "ResNet18")
        super().__init__(shape, shape.cameras * options.features)
        height, width = -(-shape.height // STRIDE), -(-shape.width // STRIDE)

        def head() -> nn.Module:
            if options.head == "flat":
                return FlatHead(STAGES[-1], height * width, options.features)
            return SpatialSoftmaxHead(STAGES[-1], height, width, options.features)

        self.networks = nn.ModuleList(ResNet18() for _ in range(shape.cameras))
        self.heads = nn.ModuleList(head() for _ in range(shape.cameras))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `PictureEncoder`."""
        self.shape.check(pictures)
        pairs = zip(self.networks, self.heads, strict=True)
        parts = [
            head(network(pictures[:, camera])[-1]) for camera, (network, head) in enumerate(pairs)
        ]
        return torch.cat(parts, dim=1)


def build(shape: PictureShape, options: EncoderOptions) -> ResNet18Encoder:
    """Build the encoder `resnet18`."""
    return ResNet18Encoder(shape, options)
