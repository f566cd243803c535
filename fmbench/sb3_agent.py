"""Let a stable-baselines3 model act in the harness, as one more policy."""

from typing import Any, Protocol

import numpy as np


class Predicts(Protocol):
    """The one method needed of a stable-baselines3 model."""

    def predict(
        self, observation: np.ndarray, *, deterministic: bool
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Return actions (n, act_dim) for observations (n, obs_dim)."""


class SB3Agent:
    """An agent that sees one observation and returns one action, for n rows at once.

    Its actions may depend in the last bit on n, because PyTorch's do.

    Args:
        model: A trained stable-baselines3 model without a recurrent state, or anything with its
            `predict`.
        deterministic: Take the mode of the action distribution. With False, stable-baselines3
            draws from torch's global generator.
    """

    obs_horizon: int = 1
    exec_horizon: int = 1

    def __init__(self, model: Predicts | Any, deterministic: bool = True) -> None:
        self.model, self.deterministic = model, deterministic

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        """Begin episodes; the agent remembers nothing of them."""

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return an action for each row.

        Args:
            rows: Which rows ask, (n,).
            observations: (n, 1, obs_dim) float32.

        Returns:
            Actions in [-1, 1], (n, 1, act_dim) float32, and the network evaluations of a
            generative sampler, (n,): none.
        """
        actions, _ = self.model.predict(observations[:, 0], deterministic=self.deterministic)
        nfe = np.zeros(len(rows), dtype=np.int64)
        return np.asarray(actions, dtype=np.float32)[:, None, :], nfe
