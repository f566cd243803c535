"""The physics states of stored demonstrations, replayed from their seeds and executed actions."""

from collections.abc import Callable

import numpy as np

from envs.pictures.states import PictureStates, picture_states
from envs.task import FloatArray, IntArray, Task
from envs.world import World
from fmbench.data.store import Demonstrations
from fmbench.errors import RunFailed
from fmbench.harness.open_loop import Playback
from fmbench.harness.rollout import MAX_SIMS, Episode, Float32Array, rollout
from fmbench.harness.watched_world import WatchedWorld


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
    replay = _Replay(task, demonstrations)
    world = WatchedWorld(task, min(len(demonstrations.lengths), MAX_SIMS), replay.keep)
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        done += 1
        on_episode(done)

    seeds = np.array(list(replay.recordings), dtype=np.int64)
    rollout(world, Playback(world, replay.recordings), seeds, on_episode=count)
    replay.check()
    return PictureStates(replay.qpos, replay.memory)


class _Replay:
    """The states of a replay, and whether they are those of the demonstrations.

    Attributes:
        recordings: Executed actions by episode seed.
        qpos: Generalised positions, `(steps + E, nq)`.
        memory: The episodes' variables, each `(steps + E, k)`.
    """

    def __init__(self, task: Task, demonstrations: Demonstrations) -> None:
        lengths = demonstrations.lengths
        count = len(demonstrations.observations)
        self._task, self._expected = task, demonstrations.observations
        self._seeds: IntArray = np.array(demonstrations.manifest["episode_seeds"], dtype=np.int64)
        self._lengths = lengths
        self._first: IntArray = np.cumsum(lengths + 1) - (lengths + 1)
        ends = np.cumsum(lengths)[:-1]
        parts = np.split(demonstrations.executed, ends)
        self.recordings: dict[int, Float32Array] = dict(
            zip(self._seeds.tolist(), parts, strict=True)
        )
        self.qpos = np.zeros((count, task.model.nq))
        self.memory: dict[str, FloatArray] = {
            name: np.zeros((count, k)) for name, k in task.memory_sizes.items()
        }
        self._is_exact = np.zeros(count, dtype=np.bool_)

    def keep(self, world: World, rows: IntArray, observations: Float32Array) -> None:
        """Store the states of rows that are observed, each at the place of its observation."""
        episode = np.searchsorted(self._seeds, world.episode_seeds[rows])
        steps = world.step_count[rows]
        is_stored = steps <= self._lengths[episode]  # one that went wrong may go on for longer
        places = (self._first[episode] + steps)[is_stored]
        states = picture_states(world, rows[is_stored])
        self.qpos[places] = states.qpos
        for name, values in states.memory.items():
            self.memory[name][places] = values
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
                "as pictures are drawn from their states"
            )
