"""Frozen encoders of grid features: the maps of a network at several scales, reduced and joined."""

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.encoders.base import FrozenEncoder, freeze
from policies.encoders.feature_head import FeatureHead
from policies.encoders.shape import EncoderOptions, PictureShape

POOLED_CELLS = 6
"""Most rows and columns of a pooled map; averaging to one cell would lose positions."""
PROJECTION = 4
"""A projected map has this fraction of its channels."""
PROJECTION_SEED = 0

Maps: TypeAlias = tuple[Tensor, ...]
"""Maps `(N, channels, h, w)` of one network, one per scale."""


class GridReduction(nn.Module):
    """Reduce maps without anything trained, and flatten them.

    `"full"` keeps every number. `"pooled"` averages neighbouring cells to at most `POOLED_CELLS`
    rows and columns. `"projected"` pools, then maps the channels of every cell to a fourth of their
    number by fixed random signs (Achlioptas 2003), so that the features of a cell stay together.

    Args:
        channels: Channels of each map.
        grid: One of `policies.catalogue.ENCODER_CHOICES["grid"]`.
    """

    def __init__(self, channels: tuple[int, ...], grid: str) -> None:
        super().__init__()
        self.grid = grid
        self.projections = nn.ParameterList()
        if grid == "projected":
            generator = torch.Generator().manual_seed(PROJECTION_SEED)
            for count in channels:
                shape = (max(1, count // PROJECTION), count, 1, 1)
                signs = torch.randint(0, 2, shape, generator=generator) * 2 - 1
                weight = nn.Parameter(signs / count**0.5, requires_grad=False)
                self.projections.append(weight)

    def forward(self, maps: Maps) -> Tensor:
        """Map `maps` to `(N, numbers)`."""
        if self.grid != "full":
            maps = tuple(_pooled(each) for each in maps)
        if self.grid == "projected":
            pairs = zip(maps, self.projections, strict=True)
            maps = tuple(functional.conv2d(each, weight) for each, weight in pairs)
        return torch.cat([each.flatten(1) for each in maps], dim=1)


class GridEncoder(FrozenEncoder):
    """The maps of one frozen network, which sees the cameras one by one.

    Args:
        shape: The shape of the pictures.
        network: Maps pictures `(N, height, width, 3)` uint8 to `Maps`.
        options: Of which `grid` and `features` are read.
    """

    def __init__(self, shape: PictureShape, network: nn.Module, options: EncoderOptions) -> None:
        with torch.no_grad():
            blank = torch.zeros((1, *shape.dims[1:]), dtype=torch.uint8)
            maps: Maps = freeze(network)(blank)
        reduce = GridReduction(tuple(each.shape[1] for each in maps), options.grid)
        raw_dim = shape.cameras * reduce(maps).shape[1]
        head = FeatureHead(raw_dim, shape.cameras, options.features)
        super().__init__(shape, raw_dim, head)
        self.network, self.reduce = network, reduce
        self.settings["grid"] = options.grid

    def compute(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `FrozenEncoder`."""
        features: Tensor = self.reduce(self.network(pictures.flatten(0, 1)))
        return features.reshape(len(pictures), self.raw_dim)


def _pooled(maps: Tensor) -> Tensor:
    """Average `(N, channels, h, w)` to at most `POOLED_CELLS` rows and columns."""
    size = (min(maps.shape[2], POOLED_CELLS), min(maps.shape[3], POOLED_CELLS))
    return functional.adaptive_avg_pool2d(maps, size)
