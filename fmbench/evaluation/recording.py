"""Recordings of evaluated episodes: each is repeated, and must end as its row says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from envs.pictures.states import PictureStates, picture_states, shown_memory
from envs.registry import TASKS, make_task
from envs.task import FloatArray, IntArray, Task
from envs.task_hash import HASH_KIND, task_hash
from envs.world import World
from fmbench.config import RunConfig
from fmbench.errors import RunFailed
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import episode_row, play, with_short_motion
from fmbench.harness.rollout import Episode, Float32Array
from fmbench.sight.opening import Sight
from fmbench.storage.recordings import RecordedEpisode, RecordingFacts, rounded
from fmbench.storage.row_files import row_texts
from fmbench.storage.rows import EpisodeRow, columns, later_columns
from policies.chunk_policy import ChunkPolicy


def recording_facts(task: Task, row: EpisodeRow, weights_hash: str) -> RecordingFacts:
    """Return what the recording of an episode is of.

    Args:
        task: Its task.
        row: The episode.
        weights_hash: First digits of the hash of its policy's weights.
    """
    return RecordingFacts(
        task=row.task,
        task_version=TASKS[row.task].version,
        task_hash=task_hash(row.task),
        hash_kind=HASH_KIND,
        episode_seed=row.episode_seed,
        policy=row.policy,
        sampler=row.sampler,
        steps=row.steps,
        train_seed=row.train_seed,
        weights_hash=weights_hash,
        success=row.success,
        length=row.length,
        nfe=float(f"{row.nfe:.{EpisodeRow.digits}g}"),
        mode=row.mode,
        control_period_s=task.control_period_s,
    )


def record(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy | None,
    rows: Sequence[EpisodeRow],
    weights_hash: str,
    on_episode: Callable[[int], None] = lambda done: None,
    sight: Sight | None = None,
) -> list[RecordedEpisode]:
    """Repeat episodes of a cell together and record them.

    Args:
        cell: Their cell.
        config: The run.
        policy: The trained policy; None for the expert and for random actions.
        rows: The episodes, none twice.
        weights_hash: First digits of the hash of the policy's weights.
        on_episode: Called with the number of finished episodes.
        sight: What the policy sees with; None if it observes the state.

    Raises:
        RunFailed: An episode does not end as its row says.
    """
    seeds: IntArray = np.array([row.episode_seed for row in rows], dtype=np.int64)
    task = make_task(cell.task)
    states = _States(task, seeds)
    episodes = play(cell, config, policy, seeds, on_episode, sight, states.keep)
    return [
        _recording(task, episode, row, states.of(episode), weights_hash, cell)
        for episode, row in zip(episodes, rows, strict=True)
    ]


class _States:
    """The states of several episodes, one for every observation.

    Args:
        task: Their task.
        seeds: Their seeds.
    """

    def __init__(self, task: Task, seeds: IntArray) -> None:
        self._seeds: list[int] = seeds.tolist()
        shape = (len(seeds), task.horizon + 1)
        self._qpos = np.zeros((*shape, task.model.nq))
        self._memory: dict[str, FloatArray] = {
            name: np.zeros((*shape, size)) for name, size in task.memory_sizes.items()
        }

    def keep(self, world: World, rows: IntArray, observations: Float32Array) -> None:
        """Store the states of rows that are observed; see `Watch`."""
        del observations
        places = [self._seeds.index(seed) for seed in world.episode_seeds[rows].tolist()]
        steps, states = world.step_count[rows], picture_states(world, rows)
        self._qpos[places, steps] = states.qpos
        for name, values in states.memory.items():
            self._memory[name][places, steps] = values

    def of(self, episode: Episode) -> PictureStates:
        """Return the states of one episode."""
        place, rows = self._seeds.index(episode.episode_seed), slice(episode.length + 1)
        memory = {name: values[place, rows] for name, values in self._memory.items()}
        return PictureStates(self._qpos[place, rows], memory)


def _recording(
    task: Task, episode: Episode, row: EpisodeRow, states: PictureStates, weights: str, cell: Cell
) -> RecordedEpisode:
    """Return the recording of one episode.

    Raises:
        RunFailed: The episode did not end as its row says.
    """
    where = f"{cell.name}, episode seed {row.episode_seed}"
    both = (with_short_motion(row), episode_row(episode, cell))  # earlier rows have more digits
    pairs = [row_texts(each, EpisodeRow, where) for each in both]
    later = later_columns(EpisodeRow)  # empty in rows of an earlier version
    if differences := [
        f"{name}: {there} there, {now} now"
        for name, there, now in zip(columns(EpisodeRow), *pairs, strict=True)
        if there != now and (there or name not in later)
    ]:
        raise RunFailed(
            f"{where} does not repeat here ({'; '.join(differences)}); record it where it was "
            "evaluated, on the same device and with the same packages"
        )
    assert episode.trajectory is not None
    return RecordedEpisode(
        recording_facts(task, row, weights),
        rounded(states.qpos),
        episode.trajectory.actions.astype(np.float16),
        {name: v.astype(np.float32) for name, v in shown_memory(task, states.memory).items()},
    )
