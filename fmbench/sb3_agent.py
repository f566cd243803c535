"""Adapter that lets a stable-baselines3 model act in the harness."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from envs.gym.goal_protocol import check_goal_task, goals
from envs.world import World
from policies.actor import INFERENCE_ROWS
from policies.threads import one_thread


class Predicts(Protocol):
    """The interface of a stable-baselines3 model that is used here."""

    def predict(self, observation: Any, *, deterministic: bool) -> tuple[np.ndarray, Any]:
        """Return actions `(n, act_dim)` for observations with a leading dimension n."""


class SB3Agent:
    """An agent that maps one observation to one action, for n rows at once.

    Its actions do not depend on n: the model always gets the same number of observations, the last
    one repeated, on one thread.

    Args:
        model: A trained stable-baselines3 model without a recurrent state, or anything with its
            `predict`.
        deterministic: Whether to take the mode of the action distribution; otherwise
            stable-baselines3 draws from torch's global generator.
        world: The world in which it acts, if it was trained on the goal-conditioned environment of
            a task: it then observes what that environment gives.
        prepare: What is done to observations before, e.g. `VecNormalize.normalize_obs`.
        batch: Observations that the model gets in one call.

    Raises:
        ValueError: The world's task has no goal.
    """

    obs_horizon: int = 1
    exec_horizon: int = 1

    def __init__(
        self,
        model: Predicts | Any,
        deterministic: bool = True,
        world: World | None = None,
        prepare: Callable[[Any], Any] | None = None,
        batch: int = INFERENCE_ROWS,
    ) -> None:
        self.model, self.deterministic = model, deterministic
        self._world, self._prepare, self._batch = world, prepare, batch
        self._columns = None if world is None else check_goal_task(world.task).goal_free_columns

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        """Reset the agent for new episodes; it has no memory."""

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return an action for each row.

        Args:
            rows: The rows to act in, `(n,)`.
            observations: `(n, 1, obs_dim)` float32.

        Returns:
            Actions in [-1, 1], `(n, 1, act_dim)` float32, and the network evaluations, `(n,)`:
            stable-baselines3 evaluates its policy once.
        """
        starts = range(0, len(rows), self._batch)
        with one_thread():
            parts = [self._predict(rows[k : k + self._batch], observations[k:]) for k in starts]
        return np.concatenate(parts)[:, None, :], np.ones(len(rows), dtype=np.int64)

    def _predict(self, rows: np.ndarray, observations: np.ndarray) -> np.ndarray:
        """Return the actions of at most `batch` rows, `(n, act_dim)`."""
        padded = np.minimum(np.arange(self._batch), len(rows) - 1)
        seen: Any = observations[: len(rows), 0][padded]
        if self._world is not None:
            both = goals(self._world, rows)
            parts = {"observation": seen[:, self._columns]}
            seen = parts | {name: values[padded] for name, values in both.items()}
        if self._prepare is not None:
            seen = self._prepare(seen)
        actions, _ = self.model.predict(seen, deterministic=self.deterministic)
        return np.asarray(actions, dtype=np.float32)[: len(rows)]
