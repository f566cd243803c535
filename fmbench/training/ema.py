"""Exponential moving average of a policy's weights; its last value is evaluated."""

import copy

import torch
from torch import Tensor

from policies.chunk_policy import ChunkPolicy

EVERY = slice(None)


class EMA:
    """Exponential moving average of all parameters, with a warm-up of its decay.

    At update u, counted from 1, the decay is `min(decay, (1 + u) / (10 + u))`, so that early
    weights are forgotten quickly.

    Args:
        policy: The policy in training, with fitted normalisers.
        decay: Largest decay, in [0, 1).
    """

    def __init__(self, policy: ChunkPolicy, decay: float) -> None:
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"ema_decay is {decay}; give a number in [0, 1).")
        self.policy = copy.deepcopy(policy).requires_grad_(requires_grad=False)
        self.decay = decay
        self._averaged: list[Tensor] = list(self.policy.parameters())
        self._source: list[Tensor] = list(policy.parameters())

    @torch.no_grad()
    def update(self, u: int, of: slice = EVERY) -> None:
        """Add the policy's weights after update `u` (from 1) to the average.

        Args:
            u: The update.
            of: The parameters of which this is done, by their order in the policy.
        """
        torch._foreach_lerp_(self._averaged[of], self._source[of], self.rate_at(u))

    def rate_at(self, u: int) -> float:
        """Return 1 - decay after update `u` (from 1), the share of the newest weights."""
        return 1.0 - min(self.decay, (1 + u) / (10 + u))

    @torch.no_grad()
    def update_by(self, rate: Tensor) -> None:
        """Add the policy's weights to the average at a rate stored on the device.

        Args:
            rate: The result of `rate_at` as a scalar tensor, which may change between replays of a
                captured graph.
        """
        change = torch._foreach_sub(self._source, self._averaged)
        torch._foreach_mul_(change, rate)
        torch._foreach_add_(self._averaged, change)
