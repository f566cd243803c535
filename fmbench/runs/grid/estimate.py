"""How long the jobs of a grid take: work by stated rules, and the speed a machine has shown."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from fmbench.cli.warnings import warn
from fmbench.config import FEATURES, PIXELS, STATE, RunConfig
from fmbench.errors import FmbenchError
from fmbench.runs.grid.jobs import Job
from fmbench.runs.policy_shape import policy_config, updates_of
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import Row
from policies.training_rows import rows_per_window

UPDATE_S = {"mlp": 0.013, "unet": 0.057, "dit": 0.13}
"""One update of 256 windows on a core, with one row of the network per window [s]."""
OTHER_UPDATE_S = 0.03
"""The same for a user's backbone."""
STACK_UPDATE_S, STACK_ROW_S, STACK = 0.002, 0.0002, 4
"""One update on a GPU of a stack of four training seeds, and each further row of it [s]; its
seeds. One of eight takes somewhat less than two of four."""
PIXELS_UPDATE_S = 0.009
"""One update of `resnet18` on a GPU, from pictures of one camera, for each training seed [s]."""
EPISODE_S, ALONE_S, PICTURES = 0.025, 4.0, 3.0
"""One episode of a cell; what every job does once (load data, play the references); how many times
longer episodes with pictures take where their encoder is on a GPU."""
SEEN_DEMO_S, SEEN_EPISODE_S, SEEN_UPDATES, PICTURE_S = 0.7, 0.9, 4.5, 0.02
"""On a core: drawing and encoding what is seen in a demonstration, and one episode [s]; how many
times longer an update takes from features than from states, because the network is larger; one
training pass of an encoder per control step [s]."""


@dataclasses.dataclass(frozen=True)
class JobRow(Row):
    """One job that a machine has done."""

    file_name: ClassVar[str] = "jobs.csv"
    key: ClassVar[tuple[str, ...]] = ("job",)

    job: str
    """Name of its folder."""
    cells: int
    work_s: float
    """What `work` expects of it [s]."""
    seconds: float
    """What it took, beside the others that ran at the same time [s]."""
    processes: int
    """How many ran at the same time."""
    attempts: int


def work(job: Job) -> float:
    """Return the time that a job would take where the constants were measured [s].

    It is the same everywhere, so that all shards of a grid agree on it.
    """
    config = job.config
    state = dataclasses.replace(config, observation=STATE)
    if not job.trains:  # the references see nothing
        return ALONE_S + EPISODE_S * config.episodes * job.cells
    seconds = ALONE_S + episode_s(config) * config.episodes * job.cells
    if config.observation == FEATURES and config.device == "cpu":
        seconds += SEEN_DEMO_S * config.demos  # once for all jobs of a setting; the first ones wait
    for policy in config.policy:
        shape = policy_config(state, config.task[0], policy)
        rows = rows_per_window(shape, config.batch_size)
        seconds += updates_of(config, shape) * update_s(config, rows) if rows else 0.0
    return seconds


def update_s(config: RunConfig, rows: float) -> float:
    """Return the time of one update of all seeds [s]."""
    if config.device != "cpu" and config.observation == PIXELS:
        return config.seeds * PIXELS_UPDATE_S
    if config.device != "cpu":
        return -(-config.seeds // STACK) * (STACK_UPDATE_S + STACK_ROW_S * (rows - 1))
    alone = UPDATE_S.get(config.backbone, OTHER_UPDATE_S) * rows / 256
    if config.observation == FEATURES:
        alone *= SEEN_UPDATES
    elif config.observation == PIXELS:
        alone += PICTURE_S * config.obs_horizon
    return config.seeds * alone * config.batch_size


def episode_s(config: RunConfig) -> float:
    """Return the time of one episode of a trained policy [s]."""
    if config.observation == STATE:
        return EPISODE_S
    return SEEN_EPISODE_S if config.device == "cpu" else EPISODE_S * PICTURES


def speed(rows: Sequence[JobRow], processes: int) -> float | None:
    """Return how many seconds a second of work takes here, from jobs that were done here.

    Args:
        rows: These jobs.
        processes: How many jobs run at a time; those measured with as many decide, if there are.

    Returns:
        The median of the ratios; None without such a job.
    """
    alike = [row for row in rows if row.processes == processes] or rows
    ratios = [row.seconds / row.work_s for row in alike if row.work_s > 0]
    return statistics.median(ratios) if ratios else None


def duration(works: Sequence[float], processes: int, factor: float) -> float:
    """Return the time that jobs take in several processes, longest first [s].

    Args:
        works: The work of each job [s].
        processes: How many processes there are.
        factor: Seconds that a second of work takes.
    """
    busy = [0.0] * max(1, processes)
    for amount in sorted(works, reverse=True):
        busy[busy.index(min(busy))] += amount * factor
    return max(busy)


def shard(works: Mapping[str, float], index: int, count: int) -> set[str]:
    """Return the jobs of one shard: all shards have about as much work, and each job is in one.

    Args:
        works: Name of each job to its work [s].
        index: Which shard, from 1.
        count: How many shards there are.
    """
    amounts = [0.0] * count
    chosen: list[set[str]] = [set() for _ in range(count)]
    for name in sorted(works, key=lambda name: (-works[name], name)):
        least = amounts.index(min(amounts))
        amounts[least] += works[name]
        chosen[least].add(name)
    return chosen[index - 1]


def read_job_rows(out: Path) -> list[JobRow]:
    """Return the jobs that were done in a folder, with their durations."""
    path = out / JobRow.file_name
    try:
        return read_rows(path, JobRow) if path.is_file() else []
    except FmbenchError as error:  # only estimates need it
        warn(f"{error}; begun anew")
        return []
