"""Episodes of a data set that fmbench need not have written, checked against a task's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.task import Field, Task
from fmbench.data.store import Demonstrations
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Float32Array


@dataclass(frozen=True)
class GivenEpisode:
    """One episode of T control steps.

    Attributes:
        observations: `(T + 1, obs_dim)`, or `(T, obs_dim)` where the last one is not recorded.
        actions: The commands to imitate, `(T, act_dim)`.
        success: Whether it ended in success; None if the data set does not say.
    """

    observations: Float32Array
    actions: Float32Array
    success: bool | None


@dataclass(frozen=True)
class Recorded:
    """The episodes of a data set that are learnt from.

    Attributes:
        demonstrations: Those that are used.
        found: Number of its episodes.
        unsuccessful: How many of them do not end in success.
        is_stated: Whether the data set says which ones do; otherwise all count as successes.
    """

    demonstrations: Demonstrations
    found: int
    unsuccessful: int
    is_stated: bool


def chosen(
    folder: Path,
    task: Task,
    episodes: Sequence[GivenEpisode],
    sha256: str,
    keeps_unsuccessful: bool,
    most: int | None,
) -> Recorded:
    """Return the episodes that are learnt from, after checking the numbers of all of them.

    The last observation of an episode is learnt from by no policy, only normalisers see it; one
    that is not recorded is the one before it.

    Args:
        folder: The data set, for messages.
        task: Its task.
        episodes: All its episodes, in order.
        sha256: Its hash.
        keeps_unsuccessful: Whether episodes that do not end in success are used, too.
        most: How many are used, the first ones; None for all.

    Raises:
        FmbenchError: A number is not one of the task's, or there are fewer episodes.
    """
    for index, episode in enumerate(episodes):
        _check(folder, task, index, episode)
    failed = [episode.success is False for episode in episodes]
    used = [e for e, bad in zip(episodes, failed, strict=True) if keeps_unsuccessful or not bad]
    if len(used) < (most or 1):
        raise FmbenchError(
            f"{folder} has {len(episodes)} episodes, {sum(failed)} without success, so {len(used)} "
            f"to learn from; {'--demos is ' + str(most) if most else 'at least one is needed'}"
        )
    used = used[:most]
    observations = [_with_last(episode) for episode in used]
    actions = np.concatenate([episode.actions for episode in used])
    demonstrations = Demonstrations(
        observations=np.concatenate(observations),
        actions=actions,
        executed=actions,
        lengths=np.array([len(episode.actions) for episode in used], dtype=np.int64),
        sha256=sha256,
        manifest={},
    )
    is_stated = all(episode.success is not None for episode in episodes)
    return Recorded(demonstrations, len(episodes), sum(failed), is_stated)


def _with_last(episode: GivenEpisode) -> Float32Array:
    if len(episode.observations) > len(episode.actions):
        return episode.observations
    return np.concatenate((episode.observations, episode.observations[-1:]))


def _check(folder: Path, task: Task, index: int, episode: GivenEpisode) -> None:
    """Check the sizes and values of an episode; NaN is within no limits."""
    steps, where = len(episode.actions), f"{folder}: episode {index}"
    if not steps or len(episode.observations) - steps not in (0, 1):
        raise FmbenchError(
            f"{where} has {steps} actions and {len(episode.observations)} observations; give at "
            "least one action, and as many observations or one more"
        )
    limits = task.observation_limits()
    wrong = ~(np.abs(episode.observations) <= limits)
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        field, place = _field_of(task, column)
        raise FmbenchError(
            f"{where}, step {row}: {field.name}[{place}] is {episode.observations[row, column]:g}; "
            f"{task.id} has at most {field.limit:g} {field.unit} there"
        )
    wrong = ~(np.abs(episode.actions) <= 1.0)
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        raise FmbenchError(
            f"{where}, step {row}: the action of {task.action_names[column]} is "
            f"{episode.actions[row, column]:g}; actions are position targets scaled to [-1, 1]"
        )


def _field_of(task: Task, column: int) -> tuple[Field, int]:
    """Return the field of an observed value, and its place in the field."""
    for field in task.fields():
        if column < field.size:
            return field, column
        column -= field.size
    raise IndexError(column)
