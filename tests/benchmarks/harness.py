"""Compare the harness with its physics alone: 100 episodes of predrawn random actions."""

import numpy as np

from envs.registry import TASKS, make_task
from envs.task import IntArray
from envs.world import World
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST, episode_seeds
from tests.benchmarks.interleaved import Times, in_turn, ratio, timed
from tests.benchmarks.recording import Repetition, recorded
from tests.benchmarks.report import Row

EPISODES, ROUNDS, LIMIT = 100, 7, 1.25
OWN_TASKS = [name for name, entry in TASKS.items() if not entry.extra]


class DrawnPolicy:
    """Random actions, drawn in advance for every row and control step."""

    obs_horizon = 1
    exec_horizon = 1

    def __init__(self, world: World) -> None:
        shape = (world.num_sims, world.horizon, 1, world.task.act_dim)
        self._actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
        self._steps: IntArray = np.zeros(world.num_sims, dtype=np.int64)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Restart at the first action."""
        del episode_seeds
        self._steps[rows] = 0

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Return the next action of each row."""
        del observations
        steps = self._steps[rows]
        self._steps[rows] += 1
        return self._actions[rows, steps], np.zeros(len(rows), dtype=np.int64)


def measure() -> list[Row]:
    """Return one row for all tasks together, then one per task."""
    measured = [_measure(task) for task in OWN_TASKS]
    harness_wall, physics_wall = (np.sum([m[k].wall for m in measured], axis=0) for k in (1, 2))
    harness_cpu, physics_cpu = (np.sum([m[k].cpu for m in measured], axis=0) for k in (1, 2))
    total = Row(
        f"all {len(OWN_TASKS)} tasks of our own hand together",
        ratio(harness_wall, physics_wall),
        cpu=ratio(harness_cpu, physics_cpu),
        limit=LIMIT,
    )
    return [total, *(row for row, _, _ in measured)]


def _measure(task: str) -> tuple[Row, Times, Times]:
    world = World(make_task(task), EPISODES)  # made once: compiling the scene is not measured
    policy, seeds = DrawnPolicy(world), episode_seeds(TEST, EPISODES)
    with recorded() as recordings:
        rollout(World(world.task, EPISODES), policy, seeds)
    recording = recordings[0]
    times = in_turn(
        {
            "harness": timed(lambda: rollout(world, policy, seeds)),
            "physics": Repetition(recording),
        },
        ROUNDS,
    )
    harness, physics = times["harness"], times["physics"]
    row = Row(
        f"{task}, {recording.control_steps} control steps",
        ratio(harness.wall, physics.wall),
        cpu=ratio(harness.cpu, physics.cpu),
        limit=LIMIT,
    )
    return row, harness, physics
