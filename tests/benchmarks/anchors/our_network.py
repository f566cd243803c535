"""LeRobot's diffusion policy with our MLP in the place of its U-Net.

`python -m tests.benchmarks.anchors.our_network` is `fmbench.evaluate` for its checkpoints, and rows
state that network and that command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from torch import Tensor, nn

from fmbench import evaluate
from fmbench.evaluation.outside import OutsidePolicy
from fmbench.runs import of_lerobot
from fmbench.runs.outside import run_outside
from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized

BACKBONE = "mlp"
USUAL, OWN = "python -m fmbench.evaluate", "python -m tests.benchmarks.anchors.our_network"
"""The command that `fmbench.evaluate` states, and what stands in its place."""


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
        self.network = make_backbone(BACKBONE, sized(shape, BACKBONE, "small"))
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


def main() -> int:
    """Run the command line of `fmbench.evaluate` and return its exit code."""
    with our_network(), mock.patch.object(of_lerobot, "run_outside", _run):
        return evaluate.main()


def _run(
    policy: OutsidePolicy,
    episodes: int,
    device: str,
    out: Path | None,
    session: Any,
    command: str,
    *others: bool,
) -> Path:
    if not command.startswith(USUAL):
        raise RuntimeError(f"{command} is not {USUAL}, which {OWN} stands for")
    own, stated = replace(policy, backbone=BACKBONE), OWN + command.removeprefix(USUAL)
    return run_outside(own, episodes, device, out, session, stated, *others)


if __name__ == "__main__":
    sys.exit(main())
