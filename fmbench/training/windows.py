"""Training windows, gathered from demonstrations by index, without a data loader."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fmbench.data.store import Demonstrations
from policies.encoders.shift import draw_shifts, shifted

PICTURES = 5
"""Dimensions of an array of pictures."""


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
        seen: What a policy with an encoder sees beside each observation: pictures
            `(rows, cameras, H, W, 3)` uint8, or stored features `(rows, seen_dim)` float16.
    """

    observations: Tensor
    actions: Tensor
    observation_index: Tensor
    action_index: Tensor
    seen: Tensor | None = None

    def __len__(self) -> int:
        return len(self.action_index)

    def gather(
        self, steps: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the windows and chunks of some control steps.

        Args:
            steps: `(B,)`.
            generator: Shifts pictures at random, those of one window alike; None leaves them.

        Returns:
            Windows `(B, obs_horizon, obs_dim)`, each observation followed by what is seen, and
            chunks `(B, pred_horizon, act_dim)`.
        """
        rows = self.observation_index[steps]
        observations = _taken(self.observations, rows)
        actions = _taken(self.actions, self.action_index[steps])
        if self.seen is None:
            return observations, actions
        if generator is not None and self.seen.ndim == PICTURES:
            shifts = draw_shifts(len(steps), self.seen.shape[1], generator, self.seen.device)
            seen = shifted(self.seen, rows, shifts)
        else:
            seen = self.seen[rows]
        return torch.cat((observations, seen.flatten(2).float()), dim=-1), actions


def make_windows(
    demonstrations: Demonstrations,
    obs_horizon: int,
    pred_horizon: int,
    device: str = "cpu",
    agent_columns: NDArray[np.bool_] | None = None,
    seen: NDArray[Any] | None = None,
) -> Windows:
    """Build the windows of all demonstrations on a device.

    Args:
        demonstrations: The demonstrations.
        obs_horizon: Observations per window.
        pred_horizon: Actions per chunk.
        device: The device.
        agent_columns: The observed values that remain beside what is seen, `(obs_dim,)`; None for
            all.
        seen: What is seen at every observation, see `Windows`; None for nothing. A memory-mapped
            array stays one on the CPU.
    """
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
    observations = demonstrations.observations
    if agent_columns is not None:
        observations = observations[:, agent_columns]
    return Windows(
        observations=torch.from_numpy(observations).to(device),
        actions=torch.from_numpy(demonstrations.actions).to(device),
        observation_index=torch.from_numpy(np.concatenate(observation_rows)).to(device),
        action_index=torch.from_numpy(np.concatenate(action_rows)).to(device),
        seen=None if seen is None else _shared(seen).to(device),
    )


def _taken(table: Tensor, rows: Tensor) -> Tensor:
    """Return `table[rows]`, on a CPU by an operation that is several times faster."""
    if table.device.type != "cpu":
        return table[rows]
    return table.index_select(0, rows.flatten()).reshape(*rows.shape, *table.shape[1:])


def _shared(array: NDArray[Any]) -> Tensor:
    """Return an array as a tensor without a copy, read-only ones too: nothing writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
