"""Sizes and training data shared by both sides."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fmbench.config import RunConfig
from fmbench.training.windows import Windows, make_windows
from policies import ChunkPolicyConfig
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.catalogue import BACKBONES

if TYPE_CHECKING:
    from fmbench.data.store import Demonstrations

OBS_DIM, ACT_DIM = 70, 20
"""LiftCube's; a test checks them, so that the comparison runs without mujoco."""
CONFIG = RunConfig(backbone="unet")
OBS_HORIZON, PRED_HORIZON = CONFIG.obs_horizon, CONFIG.pred_horizon
EXEC_HORIZON, BATCH = CONFIG.exec_horizon, CONFIG.batch_size
SIZES = {"cpu": "small", "cuda": "base"}
"""The network size compared on each device."""
EPISODES, EPISODE_STEPS = 500, 110


@dataclass(frozen=True)
class Network:
    """Parameters and operations of a U-Net.

    Attributes:
        parameters: Number of weights and biases.
        mflop: Millions of floating-point operations of one pass over one chunk.
    """

    parameters: int
    mflop: float

    def text(self) -> str:
        """Return both numbers with units."""
        return f"{self.parameters:,} parameters, {self.mflop:.1f} MFLOP a pass"


def describe(network: nn.Module, *inputs: torch.Tensor) -> Network:
    """Return parameters and operations of a network; `inputs` are those for one chunk."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Network(parameters, counter.get_total_flops() / 1e6)


def policy_config(backbone: str, size: str) -> ChunkPolicyConfig:
    """Return the flow that a run with `--backbone` and `--size` trains on LiftCube."""
    how = BACKBONES[backbone].conditioning
    dims = NetworkShape(ACT_DIM, PRED_HORIZON, OBS_HORIZON * OBS_DIM, conditioning=how)
    shape = sized(dims, backbone, size)
    return ChunkPolicyConfig(
        OBS_DIM,
        ACT_DIM,
        OBS_HORIZON,
        PRED_HORIZON,
        objective="flow",
        backbone=backbone,
        width=shape.width,
        depth=shape.depth,
        conditioning=how,
    )


def make_training_windows(device: str) -> Windows:
    """Return windows of LiftCube's shapes: actions are sines of phases that are observed."""
    rng = np.random.default_rng(0)
    steps = EPISODES * EPISODE_STEPS
    phase = rng.uniform(0, 2 * np.pi, (EPISODES, 1, ACT_DIM))
    angle = phase + 0.1 * np.arange(EPISODE_STEPS + 1)[:, None]
    observed = np.concatenate((np.cos(angle), np.sin(angle)), axis=-1).reshape(-1, 2 * ACT_DIM)
    noise = rng.standard_normal((len(observed), OBS_DIM - 2 * ACT_DIM))
    actions = np.sin(angle[:, :-1]).reshape(steps, ACT_DIM).astype(np.float32)
    data = SimpleNamespace(
        observations=np.concatenate((observed, noise), axis=-1).astype(np.float32),
        actions=actions,
        lengths=np.full(EPISODES, EPISODE_STEPS),
    )
    return make_windows(cast("Demonstrations", data), OBS_HORIZON, PRED_HORIZON, device)
