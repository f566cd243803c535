"""Sinusoidal time features for a network."""

import torch
from torch import Tensor, nn

LOWEST_FREQUENCY = 1.0
"""Slowest feature [rad per unit of time]: almost linear over [0, 1]."""
HIGHEST_FREQUENCY = 200.0
"""Fastest feature [rad per unit of time]: 2 rad between two steps of a 100-step diffusion."""
HIGHEST_SLOW_FREQUENCY = 4.0
"""Fastest feature of several times, whose features must be smooth: losses differentiate them."""


class SinusoidalTimeEmbedding(nn.Module):
    """`cos` and `sin` of the time at geometrically spaced frequencies.

    The encoding of positions of Vaswani et al. 2017 (arXiv 1706.03762), section 3.5, with
    frequencies for times in [0, 1] instead of integer positions: the fastest one still separates
    two steps of a 100-step diffusion, and none is so fast that it looks like noise to a flow, whose
    times are continuous.

    Args:
        dim: Number of features; even, at least 4.
    """

    frequencies: Tensor
    slow_frequencies: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 4 or dim % 2:
            raise ValueError(f"dim is {dim}; a time embedding needs an even dim of at least 4")
        # On the "meta" device `arange` would import torch's compiler, which takes over a second.
        exponents = torch.arange(dim // 2, dtype=torch.float64, device="cpu") / (dim // 2 - 1)
        for name, highest in (
            ("frequencies", HIGHEST_FREQUENCY),
            ("slow_frequencies", HIGHEST_SLOW_FREQUENCY),
        ):
            spaced = LOWEST_FREQUENCY * (highest / LOWEST_FREQUENCY) ** exponents
            self.register_buffer(name, spaced.float(), persistent=False)

    def forward(self, time: Tensor) -> Tensor:
        """Embed times in [0, 1] as features in [-1, 1].

        Args:
            time: `(B,)`, or `(B, n)` for n times per row. These share the features evenly, so that
                the number of parameters of a network does not depend on n, and their frequencies
                are at most `HIGHEST_SLOW_FREQUENCY`.

        Returns:
            `(B, dim)`.

        Raises:
            ValueError: n does not divide the number of frequencies, `dim / 2`.
        """
        if time.ndim == 1:
            angles = time[:, None] * self.frequencies
        else:
            n = time.shape[1]
            if len(self.frequencies) % n:
                raise ValueError(f"time has {n} columns; give a divisor of {len(self.frequencies)}")
            angles = (time[:, :, None] * self.slow_frequencies[::n]).flatten(1)
        return torch.cat((angles.cos(), angles.sin()), dim=-1)
