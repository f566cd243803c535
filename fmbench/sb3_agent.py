"""Adapter that lets a stable-baselines3 model act in the harness."""

from typing import Any, Protocol

import numpy as np


class Predicts(Protocol):
    """The interface of a stable-baselines3 model that is used here."""

    def predict(
        self, observation: np.ndarray, *, deterministic: bool
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Return actions `(n, act_dim)` for observations `(n, obs_dim)`."""


class SB3Agent:
    """An agent that maps one observation to one action, for n rows at once.

    The last bit of its actions may depend on n, as in PyTorch.

    Args:
        model: A trained stable-baselines3 model without a recurrent state, or anything with its
            `predict`.
        deterministic: Whether to take the mode of the action distribution; otherwise
            stable-baselines3 draws from torch's global generator.
    """

    obs_horizon: int = 1
    exec_horizon: int = 1

    def __init__(self, model: Predicts | Any, deterministic: bool = True) -> None:
        self.model, self.deterministic = model, deterministic

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        """Reset the agent for new episodes; it has no memory."""

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return an action for each row.

        Args:
            rows: The rows to act in, `(n,)`.
            observations: `(n, 1, obs_dim)` float32.

        Returns:
            Actions in [-1, 1], `(n, 1, act_dim)` float32, and the sampler's network evaluations,
            `(n,)`, all zero.
        """
        actions, _ = self.model.predict(observations[:, 0], deterministic=self.deterministic)
        nfe = np.zeros(len(rows), dtype=np.int64)
        return np.asarray(actions, dtype=np.float32)[:, None, :], nfe
