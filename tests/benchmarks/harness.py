"""Compare the harness with the physics it asks for: 100 episodes of policies that cost nothing."""

from collections.abc import Callable

import numpy as np

from envs.registry import TASKS, make_task
from envs.task import IntArray
from envs.world import World
from fmbench.open_loop import RandomPolicy
from fmbench.rollout import Policy, rollout
from fmbench.seeds import TEST, episode_seeds
from tests.benchmarks.interleaved import Timed, Times, in_turn, ratio, timed
from tests.benchmarks.recording import Repetition, recorded
from tests.benchmarks.report import Row

EPISODES, ROUNDS, LIMIT = 100, 7, 1.25


class RestingPolicy:
    """Hold the posture in which an episode begins: episodes last where random ones end at once."""

    obs_horizon = 1
    exec_horizon = 1

    def __init__(self, world: World) -> None:
        self._world = world
        self._actions = np.zeros((world.num_sims, 1, world.task.act_dim), np.float32)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Read the controls that the world begins with."""
        del episode_seeds
        self._actions[rows, 0] = self._world.task.action(self._world.view(rows).ctrl)

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Return the actions that hold the posture."""
        del observations
        return self._actions[rows], np.zeros(len(rows), dtype=np.int64)


POLICIES: dict[str, Callable[[World], Policy]] = {"random": RandomPolicy, "resting": RestingPolicy}
# Random episodes of these end after two and seven control steps: their rows there measure how long
# it takes to begin episodes, so the limit is on the sum of all tasks, and on episodes that last.
SHORT = ("PressEither", "RotateCube")
OWN = [name for name, entry in TASKS.items() if not entry.extra]
CASES = [(task, "random") for task in OWN] + [(task, "resting") for task in SHORT]


def measure() -> list[Row]:
    """Return a row for the sum of all tasks with random actions, then one per case."""
    measured = {case: _measure(*case) for case in CASES}
    random = [times for (_, policy), (_, *times) in measured.items() if policy == "random"]
    harness_wall, physics_wall = (np.sum([t[k].wall for t in random], axis=0) for k in (0, 1))
    harness_cpu, physics_cpu = (np.sum([t[k].cpu for t in random], axis=0) for k in (0, 1))
    total = Row(
        f"all {len(OWN)} tasks of our own hand together, random",
        ratio(harness_wall, physics_wall),
        cpu=ratio(harness_cpu, physics_cpu),
        limit=LIMIT,
    )
    return [total, *(row for row, _, _ in measured.values())]


def _measure(task: str, policy: str) -> tuple[Row, Times, Times]:
    with recorded() as recordings:
        _roll_out(task, policy)()
    recording = recordings[0]
    alternatives: dict[str, Timed] = {"harness": timed(_roll_out(task, policy))}
    alternatives["physics"] = Repetition(recording)
    times = in_turn(alternatives, ROUNDS)
    harness, physics = times["harness"], times["physics"]
    row = Row(
        f"{task}, {policy}, {recording.control_steps} control steps",
        ratio(harness.wall, physics.wall),
        cpu=ratio(harness.cpu, physics.cpu),
        limit=None if task in SHORT and policy == "random" else LIMIT,
    )
    return row, harness, physics


def _roll_out(task: str, policy: str) -> Callable[[], object]:
    """Return a rollout in a world that is made once: a scene's compilation is not its cost."""
    world = World(make_task(task), EPISODES)
    seeds = episode_seeds(TEST, EPISODES)
    return lambda: rollout(world, POLICIES[policy](world), seeds)
