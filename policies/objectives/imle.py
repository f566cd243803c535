"""Implicit maximum likelihood: every demonstrated chunk attracts the nearest of several samples."""

import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.objectives.base import Network
from policies.objectives.one_step import OneStep, generate

REJECTED = 0.03
"""Samples at most this far from the demonstrated chunk are rejected; epsilon of the paper."""
LEAST_SQUARE = 1e-12
"""Least squared distance, where the gradient of the distance would be infinite."""


class Imle(OneStep, entry=POLICIES["imle"]):
    """Rejection-sampling IMLE (Rana et al. 2025, arXiv 2502.12371, section III).

    Of every window, G = `training_samples` chunks are sampled by one evaluation each. Those that
    are closer than `REJECTED` to the demonstrated chunk are rejected, and the nearest of the others
    is attracted,

        loss = mean over windows of min over g of |x_g - actions|,

    with the norm of the whole chunk as one vector, not its square. A window whose samples are all
    rejected counts nothing. Every demonstrated chunk attracts a sample, so that no mode is lost.
    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    Only the nearest samples have gradients: they are evaluated again, alone.

    The paper's choice among 32 samples at a decision, which makes successive chunks agree, is not
    part of it.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the mean distance of the nearest samples; see `Objective.loss`."""
        noise = self.draw(actions, generator)
        with torch.no_grad():
            distances = _distances(generate(network, noise, condition), actions)  # (G, B)
            is_rejected = distances <= REJECTED
            nearest = distances.masked_fill(is_rejected, torch.inf).argmin(0)
            counted = ~is_rejected.all(0)
            chosen = noise[nearest, torch.arange(len(actions), device=actions.device)]
        distance = _distances(generate(network, chosen[None], condition), actions)[0]
        return (distance * counted).sum() / counted.sum().clamp_min(1)


def _distances(chunks: Tensor, actions: Tensor) -> Tensor:
    """Return the norm of the difference of chunks `(G, B, Tp, act_dim)` to `actions`, `(G, B)`."""
    difference = (chunks.float() - actions.float()).flatten(2)
    return difference.square().sum(-1).clamp_min(LEAST_SQUARE).sqrt()
