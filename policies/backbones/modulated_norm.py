"""Layer normalisation modulated by the context ("adaLN"), for the transformer and the MLP."""

import torch
from torch import Tensor, nn

from policies.backbones.zeroed import zeroed


class ModulatedNorm(nn.Module):
    """Layer normalisation with gain and offset from the context; initially a plain normalisation.

    Args:
        width: Size of the normalised dimension and length of the context.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = zeroed(nn.Linear(width, 2 * width))

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        """Normalise `hidden` `(..., width)`, given a `context` that broadcasts against it."""
        gain, offset = self.modulation(context).chunk(2, dim=-1)
        normed: Tensor = self.norm(hidden)
        return torch.addcmul(normed + offset, normed, gain)
