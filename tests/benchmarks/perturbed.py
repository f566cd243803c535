"""Compare disturbed worlds with plain ones: 100 episodes of the same predrawn random actions.

Levels are so small that the motion is that of the plain world: what is timed is what a disturbance
costs, not other contacts.
"""

import numpy as np

from envs.perturb.axis import About
from envs.perturb.world import PerturbedWorld
from envs.registry import make_task
from envs.world import World
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST, episode_seeds
from tests.benchmarks.harness import DrawnPolicy
from tests.benchmarks.interleaved import in_turn, ratio, timed
from tests.benchmarks.report import Row

EPISODES, ROUNDS, LIMIT = 100, 7, 1.1
SMALL = {
    "obs-noise": "0.001",
    "obs-stale": "1",
    "obs-drop": "0.01",
    "act-noise": "0.1",
    "mass": "1.001",
    "friction": "1.001",
    "kp": "1.001",
    "size": "1.001",
    "push": "0.01",
    "start": "1.01",
    "hidden": "on",
}
TASKS = {"LiftCube": tuple(SMALL), "RelocateBall": ("mass", "friction", "kp")}
"""RelocateBall has model fields of its own."""


def measure() -> list[Row]:
    """Return one row per task and axis."""
    return [row for task, axes in TASKS.items() for row in _measure(task, axes)]


def _measure(name: str, axes: tuple[str, ...]) -> list[Row]:
    task, seeds = make_task(name), episode_seeds(TEST, EPISODES)
    worlds: dict[str, World] = {"plain": World(task, EPISODES)}
    n = task.obs_dim
    about = About(np.ones(n), np.zeros(n), lambda: task.horizon)
    for axis in axes:
        worlds[axis] = PerturbedWorld(task, EPISODES, f"{axis}={SMALL[axis]}", about)
    policy = DrawnPolicy(worlds["plain"])
    runs = {
        axis: timed(lambda world=world: rollout(world, policy, seeds))  # type: ignore[misc]
        for axis, world in worlds.items()
    }
    times = in_turn(runs, ROUNDS)
    return [
        Row(
            f"{name}, {axis}",
            ratio(times[axis].wall, times["plain"].wall),
            cpu=ratio(times[axis].cpu, times["plain"].cpu),
            limit=LIMIT,
        )
        for axis in axes
    ]
