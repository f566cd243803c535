"""Count episodes in which the physics diverges, and look for the deepest contact of an expert.

`python -m tests.benchmarks.stability --episodes 2000` runs every task with its expert and with
random actions; it is an endurance run, not a measurement of time.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from envs.registry import has_extra, make_expert, suite
from envs.task import IntArray
from envs.world import World
from fmbench.cli.progress import Reporter
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import Policy, rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from tests.contacts import DepthSensors

MAX_SIMS = 256
DEEPEST_M = 0.003


class DepthWatch:
    """Lets a policy act, and notes the hand's deepest contact before any control step.

    Args:
        world: Where the policy acts, of the sensors' task.
        policy: The policy.
        sensors: Of the depth.
    """

    def __init__(self, world: World, policy: Policy, sensors: DepthSensors) -> None:
        self.obs_horizon, self.exec_horizon = policy.obs_horizon, policy.exec_horizon
        self.deepest_m = 0.0
        self._world, self._policy, self._sensors = world, policy, sensors

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Begin episodes."""
        self._policy.reset(rows, episode_seeds)

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Look at the contacts, then act."""
        self.deepest_m = max(self.deepest_m, -float(self._sensors(self._world, rows).min()))
        return self._policy.act(rows, observations)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each task; exit code 1: one diverged, or touched too deeply."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stability")
    parser.add_argument("--task", nargs="+", default=[t for t in suite() if has_extra(t)])
    parser.add_argument("--episodes", type=int, default=2000)
    given = parser.parse_args(arguments)
    print("| task | expert: diverged | deepest contact | random: diverged |")
    print("|---|--:|--:|--:|")
    faults = 0
    with Reporter().stage("stability", 2 * len(given.task)) as stage:
        for k, name in enumerate(given.task):
            sensors = DepthSensors(name)
            world = World(sensors.task, min(MAX_SIMS, given.episodes))
            seeds = episode_seeds(VALIDATION, given.episodes)
            watch = DepthWatch(world, make_expert(world), sensors)
            expert = sum(episode.sim_unstable for episode in rollout(world, watch, seeds))
            stage.update(2 * k + 1)
            episodes = rollout(world, RandomPolicy(world), seeds)
            random = sum(episode.sim_unstable for episode in episodes)
            stage.update(2 * k + 2)
            depth = f"{1e3 * watch.deepest_m:.1f} mm"
            print(f"| {name} | {expert}/{given.episodes} | {depth} | {random}/{given.episodes} |")
            sys.stdout.flush()
            faults += expert + random + (watch.deepest_m > DEEPEST_M)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
