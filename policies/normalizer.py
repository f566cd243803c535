"""Affine normalisation per dimension, fitted to training data and saved with the weights."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Mode = Literal["standardize", "minmax"]

CONSTANT_TOLERANCE = 1e-6
"""A dimension whose half range is below this, relative to max(1, |value|), counts as constant."""
STD_FLOOR = 1e-3
"""Smallest standard deviation: the jitter of a feature at rest is not scaled up to unit size."""


class Normalizer(nn.Module):
    """Map data to the range of a network, and back: `normalized = (data - offset) / scale`.

    `"standardize"` gives mean 0 and standard deviation 1; `"minmax"` gives [-1, 1].
    A dimension that was constant in the training data is normalised to 0 for any value, and
    unnormalised to exactly the constant for any network output: nothing was learnt about it, so it
    must not have an effect. Before `fit` is called or a state is loaded, the map is the identity.

    Args:
        dim: Size of the last dimension of the data.
        mode: `"standardize"` or `"minmax"`.
        clip: Normalised values are clipped to [-clip, clip]; None leaves them.

    Raises:
        ValueError: `mode` is neither of the two.
    """

    offset: Tensor
    scale: Tensor
    inverse_scale: Tensor

    def __init__(self, dim: int, mode: Mode, clip: float | None = None) -> None:
        super().__init__()
        if mode not in ("standardize", "minmax"):
            raise ValueError(f"mode is {mode!r}; give 'standardize' or 'minmax'")
        self.dim, self.mode, self.clip = dim, mode, clip
        self.register_buffer("offset", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.register_buffer("inverse_scale", torch.ones(dim))

    @torch.no_grad()
    def fit(self, data: Tensor | NDArray[np.floating]) -> None:
        """Set the map from training data.

        Args:
            data: `(..., dim)`, at least one row, finite.

        Raises:
            ValueError: The shape is wrong, there are no rows, or a value is not finite.
        """
        rows = torch.as_tensor(data)
        if rows.ndim < 2 or rows.shape[-1] != self.dim or rows.numel() == 0:
            raise ValueError(
                f"data are {tuple(rows.shape)}; expected (..., {self.dim}) with at least one row"
            )
        rows = rows.reshape(-1, self.dim).double()
        if not rows.isfinite().all():
            bad = (~rows.isfinite()).any(0).nonzero().flatten().tolist()
            raise ValueError(f"data are NaN or infinite in dimensions {bad}; give finite data")
        low, high = rows.amin(0), rows.amax(0)
        middle, half_range = (low + high) / 2, (high - low) / 2
        if self.mode == "minmax":
            offset, scale = middle, half_range
        else:
            offset, scale = rows.mean(0), rows.std(0, correction=0).clamp(min=STD_FLOOR)
        moves = half_range > CONSTANT_TOLERANCE * middle.abs().clamp(min=1.0)
        self.offset.copy_(torch.where(moves, offset, middle))
        self.scale.copy_(torch.where(moves, scale, 0.0))
        self.inverse_scale.copy_(torch.where(moves, 1 / scale, 0.0))

    def normalize(self, data: Tensor) -> Tensor:
        """Map data `(..., dim)` to the range of the network, clipped if `clip` was given."""
        normalized = (data - self.offset) * self.inverse_scale
        return normalized if self.clip is None else normalized.clamp(-self.clip, self.clip)

    def unnormalize(self, normalized: Tensor) -> Tensor:
        """Map network output `(..., dim)` back to the data's units."""
        return normalized * self.scale + self.offset
