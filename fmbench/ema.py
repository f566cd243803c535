"""Average a policy's weights over training: the evaluated weights are the last average."""

import copy

import torch
from torch import Tensor

from policies.chunk_policy import ChunkPolicy


class EMA:
    """Exponential moving average of all parameters, with a warm-up of its decay.

    At update u (from 1) the decay is min(decay, (1 + u) / (10 + u)), so that early weights are
    forgotten quickly.

    Args:
        policy: The policy in training; its normalisers must already be fitted.
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
    def update(self, u: int) -> None:
        """Take the policy's weights after update `u` (from 1) into the average."""
        decay = min(self.decay, (1 + u) / (10 + u))
        torch._foreach_lerp_(self._averaged, self._source, 1.0 - decay)
