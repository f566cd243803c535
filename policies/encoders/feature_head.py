"""The trained part of a frozen encoder: standardise stored features, then map them linearly."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SPREAD_FLOOR = 0.1
"""Smallest standard deviation, relative to the root mean variance of all features: one that hardly
varies is not scaled up to unit size."""


class FeatureHead(nn.Module):
    """Standardise each feature, then map those of each camera linearly.

    Before `fit` is called or a state is loaded, standardisation is the identity.

    Args:
        raw_dim: Stored numbers of one control step; those of a camera follow one another.
        cameras: Number of cameras.
        features: Numbers per camera in the output; None keeps the standardised features.

    Attributes:
        cameras: Number of cameras.
        features: Numbers per camera in the output; 0 if the standardised features are kept.
        feature_dim: Numbers of one control step in the output.
    """

    offset: Tensor
    inverse_scale: Tensor

    def __init__(self, raw_dim: int, cameras: int, features: int | None) -> None:
        super().__init__()
        self.raw_dim, self.cameras, self.features = raw_dim, cameras, features or 0
        self.feature_dim = raw_dim if features is None else cameras * features
        self.register_buffer("offset", torch.zeros(raw_dim))
        self.register_buffer("inverse_scale", torch.ones(raw_dim))
        size = raw_dim // cameras
        maps = [] if features is None else [nn.Linear(size, features) for _ in range(cameras)]
        self.maps = nn.ModuleList(maps)

    @torch.no_grad()
    def fit(self, blocks: Iterable[Tensor]) -> None:
        """Set the standardisation from training data.

        Args:
            blocks: The rows of the training data in any number of parts `(n, raw_dim)`.

        Raises:
            ValueError: A part has another shape, or there are no rows.
        """
        count = 0
        mean = torch.zeros(self.raw_dim, dtype=torch.float64)
        squares = mean.clone()  # summed squared distances from the mean
        for block in blocks:
            if block.ndim != 2 or block.shape[1] != self.raw_dim:
                raise ValueError(f"features are {tuple(block.shape)}; expected (n, {self.raw_dim})")
            if not len(block):
                continue
            rows = block.to("cpu", torch.float64)
            total, centre = count + len(rows), rows.mean(0)
            # Chan, Golub & LeVeque 1983, eq. 2.1: statistics of two joined parts
            squares += (rows - centre).square_().sum(0)
            squares += (centre - mean).square() * (count * len(rows) / total)
            mean += (centre - mean) * (len(rows) / total)
            count = total
        if not count:
            raise ValueError("features have no rows; give at least one")
        variance = squares / count
        floor = SPREAD_FLOOR * variance.mean().sqrt()
        scale = variance.sqrt().clamp(min=floor if floor > 0 else 1.0)
        self.offset.copy_(mean)
        self.inverse_scale.copy_(1 / scale)

    def forward(self, raw: Tensor) -> Tensor:
        """Map stored features `(N, raw_dim)` to `(N, feature_dim)`."""
        standard = (raw.float() - self.offset) * self.inverse_scale
        if not len(self.maps):
            return standard
        parts = standard.chunk(self.cameras, dim=1)
        return torch.cat([each(part) for each, part in zip(self.maps, parts, strict=True)], dim=1)
