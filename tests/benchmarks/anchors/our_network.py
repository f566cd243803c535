"""LeRobot's diffusion policy with our MLP in the place of its U-Net.

`python -m tests.benchmarks.anchors.our_network` is `fmbench.evaluate` for its checkpoints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from torch import Tensor, nn

from fmbench import evaluate
from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized


class OurNetwork(nn.Module):
    """Our small MLP, called as LeRobot calls its U-Net.

    Args:
        config: LeRobot's configuration of the policy.
        global_cond_dim: Length of the condition.
    """

    def __init__(self, config: Any, global_cond_dim: int) -> None:
        super().__init__()
        actions = config.action_feature.shape[0]
        shape = NetworkShape(actions, config.horizon, global_cond_dim)
        self.network = make_backbone("mlp", sized(shape, "mlp", "small"))
        self.steps = config.num_train_timesteps

    def forward(self, chunk: Tensor, step: Tensor, global_cond: Tensor) -> Tensor:
        """Map a chunk `(B, T, actions)` at `(B,)` steps of noise, from 0, to the same shape."""
        time = 1 - (step.float() + 1) / self.steps  # ours is 0 at pure noise
        out: Tensor = self.network(chunk, time, global_cond)
        return out


@contextmanager
def our_network() -> Iterator[None]:
    """Let LeRobot build its diffusion policies with it."""
    from lerobot.policies.diffusion import modeling_diffusion as theirs

    with mock.patch.object(theirs, "DiffusionConditionalUnet1d", OurNetwork):
        yield


if __name__ == "__main__":
    with our_network():
        sys.exit(evaluate.main())
