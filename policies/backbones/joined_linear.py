"""A linear layer of several inputs that join."""

import torch
from torch import Tensor, nn


class JoinedLinear(nn.Linear):
    """A linear layer of joined inputs, which are given separately.

    Training can then see that some of them, such as observations, need no gradient.
    """

    def forward(self, *parts: Tensor) -> Tensor:
        """Map parts `(..., n)`, whose last dimensions sum to `in_features`."""
        return super().forward(torch.cat(parts, dim=-1))
