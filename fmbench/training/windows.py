"""Training windows, gathered from demonstrations by index, without a data loader."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fmbench.data.store import Demonstrations


@dataclass(frozen=True)
class Windows:
    """All control steps of all demonstrations, with one window per step as indices into them.

    At the start of an episode a window is padded with the first observation, as in the harness; at
    its end a chunk is padded with the last action.

    Attributes:
        observations: `(rows, obs_dim)`.
        actions: `(steps, act_dim)`.
        observation_index: Rows of each step's observation window, `(steps, obs_horizon)`.
        action_index: Rows of each step's action chunk, `(steps, pred_horizon)`.
    """

    observations: Tensor
    actions: Tensor
    observation_index: Tensor
    action_index: Tensor

    def __len__(self) -> int:
        return len(self.action_index)

    def gather(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Return windows `(B, obs_horizon, obs_dim)` and chunks `(B, pred_horizon, act_dim)`."""
        return (
            self.observations[self.observation_index[steps]],
            self.actions[self.action_index[steps]],
        )


def make_windows(
    demonstrations: Demonstrations, obs_horizon: int, pred_horizon: int, device: str = "cpu"
) -> Windows:
    """Build the windows of all demonstrations on a device."""
    observation_rows, action_rows = [], []
    first_observation, first_action = 0, 0
    for length in demonstrations.lengths.tolist():
        step = np.arange(length)[:, None]
        window = step + np.arange(1 - obs_horizon, 1)
        observation_rows.append(first_observation + np.maximum(window, 0))
        chunk = step + np.arange(pred_horizon)
        action_rows.append(first_action + np.minimum(chunk, length - 1))
        first_observation += length + 1
        first_action += length
    return Windows(
        observations=torch.from_numpy(demonstrations.observations).to(device),
        actions=torch.from_numpy(demonstrations.actions).to(device),
        observation_index=torch.from_numpy(np.concatenate(observation_rows)).to(device),
        action_index=torch.from_numpy(np.concatenate(action_rows)).to(device),
    )
