"""Success of scripted experts on validation episodes: one row per task and command noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.harness.rollout import MAX_SIMS, rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from fmbench.report.statistics import wilson_interval
from fmbench.storage.rows import Row


@dataclass(frozen=True)
class ExpertRow(Row):
    """Result of one task's expert at one scale of the command noise."""

    file_name: ClassVar[str] = "experts.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "noise")

    task: str
    noise: float
    episodes: int
    successes: int
    low: float
    """Lower bound of the Wilson 95 % interval."""
    high: float
    """Upper bound."""
    median_length: int
    """Median control steps of the successful episodes."""
    modes: str
    unstable: int


def measure_expert(task: str, noise: float, count: int) -> ExpertRow:
    """Evaluate an expert on the first `count` validation seeds."""
    world = World(make_task(task), min(count, MAX_SIMS))
    episodes = rollout(
        world,
        make_expert(world),
        episode_seeds(VALIDATION, count),
        disturbance=CommandNoise(world, noise),
    )
    solved = [episode for episode in episodes if episode.success]
    interval = wilson_interval(len(solved), count)
    names = [episode.mode for episode in solved]
    return ExpertRow(
        task=task,
        noise=noise,
        episodes=count,
        successes=len(solved),
        low=interval.low,
        high=interval.high,
        median_length=int(np.median([episode.length for episode in solved] or [0])),
        modes=" / ".join(f"{mode} {names.count(mode)}" for mode in world.task.modes),
        unstable=sum(episode.sim_unstable for episode in episodes),
    )


def markdown(rows: Sequence[ExpertRow]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| task | command noise | success | Wilson 95 % | median steps | modes |",
        "|---|--:|--:|--:|--:|---|",
    ]
    lines += [
        f"| {row.task} | {row.noise:g} | {row.successes}/{row.episodes} | "
        f"{row.low:.3f}–{row.high:.3f} | {row.median_length} | {row.modes or '–'} |"
        for row in rows
    ]
    return "\n".join(lines)
