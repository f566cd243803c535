"""One vector that tells every block of a network the time and the observations."""

import torch
from torch import Tensor, nn

from policies.backbones.time_gate import TIME_DIM


class ContextEmbedding(nn.Module):
    """Two layers from time features and condition to the vector that modulates the blocks.

    Args:
        condition_dim: Length of the condition vector.
        width: Length of the result.
    """

    def __init__(self, condition_dim: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(TIME_DIM + condition_dim, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )

    def forward(self, time_features: Tensor, condition: Tensor) -> Tensor:
        """Embed ``(B, TIME_DIM)`` and ``(B, condition_dim)`` as ``(B, width)``."""
        context: Tensor = self.layers(torch.cat((time_features, condition), dim=-1))
        return context
