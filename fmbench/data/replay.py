"""Stored demonstrations, replayed from their seeds and executed actions: their physics states."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from envs.pictures.states import PictureStates, picture_states
from envs.task import FloatArray, IntArray, Task
from envs.world import World
from fmbench.data.store import Demonstrations
from fmbench.errors import RunFailed
from fmbench.harness.open_loop import Playback
from fmbench.harness.rollout import MAX_SIMS, Episode, Float32Array, rollout
from fmbench.harness.watched_world import WatchedWorld

Keep: TypeAlias = Callable[[World, IntArray, IntArray], None]
"""Called with the world, its rows `(n,)`, and the places `(n,)` of their present observations."""


def replay_states(
    task: Task, demonstrations: Demonstrations, on_episode: Callable[[int], None]
) -> PictureStates:
    """Return the state of every observation of all demonstrations, in the order of observations.

    Args:
        task: Their task.
        demonstrations: E episodes of `steps` control steps in all.
        on_episode: Called with the number of replayed episodes.

    Returns:
        `steps + E` states.

    Raises:
        RunFailed: An observation is not exactly the stored one.
    """
    count = len(demonstrations.observations)
    qpos = np.zeros((count, task.model.nq))
    memory: dict[str, FloatArray] = {
        name: np.zeros((count, k)) for name, k in task.memory_sizes.items()
    }

    def keep(world: World, rows: IntArray, places: IntArray) -> None:
        states = picture_states(world, rows)
        qpos[places] = states.qpos
        for name, values in states.memory.items():
            memory[name][places] = values

    replay(task, demonstrations, keep, on_episode)
    return PictureStates(qpos, memory)


def replay(
    task: Task, demonstrations: Demonstrations, keep: Keep, on_episode: Callable[[int], None]
) -> None:
    """Replay all demonstrations, and see every state in which one of them was observed.

    Args:
        task: Their task.
        demonstrations: E episodes of `steps` control steps in all.
        keep: Called for rows that are in such states, with the places of their observations in
            `demonstrations.observations`.
        on_episode: Called with the number of replayed episodes.

    Raises:
        RunFailed: An observation is not exactly the stored one.
    """
    run = _Replay(task, demonstrations, keep)
    world = WatchedWorld(task, min(len(demonstrations.lengths), MAX_SIMS), run.see)
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        done += 1
        on_episode(done)

    seeds = np.array(list(run.recordings), dtype=np.int64)
    rollout(world, Playback(world, run.recordings), seeds, on_episode=count)
    run.check()


class _Replay:
    """A replay, and whether its observations are those of the demonstrations.

    Attributes:
        recordings: Executed actions by episode seed.
    """

    def __init__(self, task: Task, demonstrations: Demonstrations, keep: Keep) -> None:
        lengths = demonstrations.lengths
        self._task, self._expected = task, demonstrations.observations
        self._seeds: IntArray = np.array(demonstrations.manifest["episode_seeds"], dtype=np.int64)
        self._lengths, self._keep = lengths, keep
        self._first: IntArray = np.cumsum(lengths + 1) - (lengths + 1)
        ends = np.cumsum(lengths)[:-1]
        parts = np.split(demonstrations.executed, ends)
        self.recordings: dict[int, Float32Array] = dict(
            zip(self._seeds.tolist(), parts, strict=True)
        )
        self._is_exact = np.zeros(len(demonstrations.observations), dtype=np.bool_)

    def see(self, world: World, rows: IntArray, observations: Float32Array) -> None:
        """Keep the states of rows that are observed, each at the place of its observation."""
        episode = np.searchsorted(self._seeds, world.episode_seeds[rows])
        steps = world.step_count[rows]
        is_stored = steps <= self._lengths[episode]  # one that went wrong may go on for longer
        places = (self._first[episode] + steps)[is_stored]
        self._keep(world, rows[is_stored], places)
        exact = (observations[is_stored] == self._expected[places]).all(axis=1)
        self._is_exact[places] = exact

    def check(self) -> None:
        """Check that every observation was made, and was exactly the stored one.

        Raises:
            RunFailed: One was not; the message states how many episodes are concerned.
        """
        wrong = np.flatnonzero(~self._is_exact)
        if len(wrong):
            episodes = len(np.unique(np.searchsorted(self._first, wrong, side="right")))
            raise RunFailed(
                f"{episodes} of {len(self._lengths)} demonstrations of {self._task.name} do not "
                "replay from their seeds here; make them on this machine (another --data folder), "
                "as more than is stored is read from their states"
            )
