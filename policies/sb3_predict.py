"""Adapter from a chunk policy to Stable-Baselines3's `predict`, for its `evaluate_policy`."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.actor import ChunkActor

State: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]
"""History `(n, obs_horizon, obs_dim)`, chunk `(n, exec_horizon, act_dim)`, actions used `(n,)`."""


class SB3Predictor:
    """Implements `predict(observation, state, episode_start, deterministic)` of Stable-Baselines3.

    The observation history and the current chunk are kept in `state`; at the start of an episode
    they are cleared, and the history is padded with the first observation. Environment i is row i
    of the actor, so with the same episode seeds the actions are those of any other rollout of that
    actor. Use one predictor for one evaluation at a time.

    `evaluate_policy` continues to step environments that have finished their share of the episodes,
    with `episode_start` true at every step; those episodes are not counted. An episode start
    directly after another one therefore takes no new seed, and an environment keeps its last seed
    once all seeds are used.

    Args:
        actor: The acting policy.
        episode_seeds: One seed per episode, assigned in the order of the environments as episodes
            start.
    """

    def __init__(self, actor: ChunkActor, episode_seeds: Iterable[int]) -> None:
        self.actor = actor
        self._seeds = iter(episode_seeds)
        self._seed_of: dict[int, int] = {}
        self._just_started: NDArray[np.bool_] = np.zeros(0, dtype=bool)

    def predict(
        self,
        observation: NDArray[np.floating],
        state: State | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], State]:
        """Return the next action of each environment.

        Args:
            observation: `(n, obs_dim)`, or `(obs_dim,)` for a single environment.
            state: The state returned by the last call; None starts an episode in every environment.
            episode_start: `(n,)`, where an episode starts; None, with a state, is nowhere.
            deterministic: Ignored; the actions are always determined by the seeds.

        Returns:
            Actions `(n, act_dim)`, or `(act_dim,)`, and the new state.

        Raises:
            ValueError: There are fewer seeds than environments, or a shape is wrong.
        """
        batch = np.atleast_2d(np.asarray(observation, dtype=np.float32))
        count = len(batch)
        if state is None:
            starts = np.ones(count, dtype=bool)
            self._just_started = np.zeros(count, dtype=bool)
            horizon, act_dim = self.actor.exec_horizon, self.actor.policy.config.act_dim
            history = np.repeat(batch[:, None], self.actor.obs_horizon, axis=1)
            chunk = np.zeros((count, horizon, act_dim), dtype=np.float32)
            used = np.zeros(count, dtype=np.int64)
        else:
            starts = np.zeros(count, dtype=bool)
            if episode_start is not None:
                starts[:] = episode_start
            history, chunk, used = state[0].copy(), state[1].copy(), state[2].copy()
            history[:, :-1] = history[:, 1:]
            history[:, -1] = batch
            history[starts] = batch[starts, None]
        self._start_episodes(starts)
        (due,) = np.nonzero(starts | (used == self.actor.exec_horizon))
        if len(due):
            chunk[due] = self.actor.act(due, history[due]).actions
            used[due] = 0
        actions = chunk[np.arange(count), used]
        used += 1
        return actions if np.ndim(observation) > 1 else actions[0], (history, chunk, used)

    def _start_episodes(self, starts: NDArray[np.bool_]) -> None:
        """Reset the actor in each row where an episode starts."""
        (rows,) = np.nonzero(starts)
        for row in rows.tolist():
            if not self._just_started[row]:
                seed = next(self._seeds, self._seed_of.get(row))
                if seed is None:
                    raise ValueError(
                        f"episode_seeds ran out at environment {row}; "
                        "give at least one seed for each environment"
                    )
                self._seed_of[row] = int(seed)
        if len(rows):
            self.actor.reset(rows, np.array([self._seed_of[row] for row in rows.tolist()]))
        self._just_started = starts
