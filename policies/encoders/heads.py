"""Heads of trained encoders: from a map to a few numbers that still say where things are.

An average over the map would lose positions.
"""

import torch
from torch import Tensor, nn

FLAT_CHANNELS = 64
"""Channels of a map before it is flattened."""
KEYPOINTS = 32
"""Points of the spatial softmax."""


class FlatHead(nn.Module):
    """Reduce the channels by a 1 x 1 convolution, flatten, and map linearly.

    Args:
        channels: Channels of the map.
        cells: Cells of the map, height times width.
        features: Numbers in the output.
        width: Channels after the convolution.
    """

    def __init__(
        self, channels: int, cells: int, features: int, width: int = FLAT_CHANNELS
    ) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, width, kernel_size=1)
        self.output = nn.Linear(width * cells, features)

    def forward(self, maps: Tensor) -> Tensor:
        """Map `(N, channels, h, w)` to `(N, features)`."""
        features: Tensor = self.output(self.reduce(maps).flatten(1))
        return features


class SpatialSoftmaxHead(nn.Module):
    """Map the expected position of each of `KEYPOINTS` learnt points linearly.

    Levine et al. 2016 (arXiv 1504.00702), section 5.1: a softmax over the cells of a channel, then
    the mean of the cells' coordinates, here from -1 to 1.

    Args:
        channels: Channels of the map.
        height: Rows of the map.
        width: Columns of the map.
        features: Numbers in the output.
    """

    coordinates: Tensor

    def __init__(self, channels: int, height: int, width: int, features: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, KEYPOINTS, kernel_size=1)
        self.output = nn.Linear(2 * KEYPOINTS, features)
        y, x = torch.meshgrid(_centred(height), _centred(width), indexing="ij")
        coordinates = torch.stack((x.flatten(), y.flatten()), dim=1)
        self.register_buffer("coordinates", coordinates, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map `(N, channels, h, w)` to `(N, features)`."""
        weights = self.reduce(maps).flatten(2).float().softmax(dim=-1)
        positions = weights @ self.coordinates
        features: Tensor = self.output(positions.flatten(1))
        return features


def _centred(count: int) -> Tensor:
    """Return `count` coordinates from -1 to 1; a single one is 0."""
    return torch.linspace(-1.0, 1.0, count) if count > 1 else torch.zeros(1)
