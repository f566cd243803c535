"""Count episodes in which the physics diverges, and look for the deepest contact of an expert.

`python -m tests.benchmarks.stability --episodes 2000` runs every task with its expert and with
random actions; it is an endurance run, not a measurement of time.
"""

import argparse
import sys
from collections.abc import Sequence

from envs.registry import has_extra, make_expert, suite
from envs.world import World
from fmbench.cli.progress import Reporter
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from tests.contacts import DEEPEST_M, DepthSensors, DepthWatch

MAX_SIMS = 256


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
