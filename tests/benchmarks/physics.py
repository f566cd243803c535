"""Time the physics of every task alone: repeated expert episodes on one thread."""

import numpy as np

from envs.registry import has_extra, make_expert, make_task, suite
from envs.world import World
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from tests.benchmarks.interleaved import spread
from tests.benchmarks.recording import Repetition, recorded
from tests.benchmarks.report import Row

EPISODES, ROUNDS = 64, 5
LEAST_PER_S = 20_000
"""Smallest number of 4 ms simulation steps per second on one core, for a task with one hand."""


def measure() -> list[Row]:
    """Return the simulation steps per second on one core, for every task."""
    return [_measure(task) for task in suite() if has_extra(task)]


def _measure(name: str) -> Row:
    task = make_task(name)
    with recorded() as recordings:
        world = World(task, EPISODES, num_threads=1)
        rollout(world, make_expert(world), episode_seeds(VALIDATION, EPISODES))
    repetition = Repetition(recordings[0])
    cpu = [repetition().cpu for _ in range(ROUNDS + 1)][1:]
    is_bound = task.act_dim <= 20  # one hand of our own
    rates = spread(recordings[0].physics_steps / np.array(cpu))
    return Row(name, rates, 0, "steps/s", least=LEAST_PER_S if is_bound else None)
