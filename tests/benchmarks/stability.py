"""Count diverging episodes, and find the deepest contact of an expert.

`python -m tests.benchmarks.stability --episodes 2000` runs every task with its expert and with
random actions. It is an endurance test, not a measurement of time.
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


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line per task; the exit code is 1 if one diverged or had too deep a contact."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stability")
    parser.add_argument("--task", nargs="+", default=[t for t in suite() if has_extra(t)])
    parser.add_argument("--episodes", type=int, default=2000)
    arguments = parser.parse_args(argv)
    print("| task | expert: diverged | deepest contact | random: diverged |")
    print("|---|--:|--:|--:|")
    faults = 0
    with Reporter().stage("stability", 2 * len(arguments.task)) as stage:
        for k, name in enumerate(arguments.task):
            sensors = DepthSensors(name)
            world = World(sensors.task, min(MAX_SIMS, arguments.episodes))
            seeds = episode_seeds(VALIDATION, arguments.episodes)
            watch = DepthWatch(world, make_expert(world), sensors)
            expert = sum(episode.sim_unstable for episode in rollout(world, watch, seeds))
            stage.update(2 * k + 1)
            episodes = rollout(world, RandomPolicy(world), seeds)
            random = sum(episode.sim_unstable for episode in episodes)
            stage.update(2 * k + 2)
            depth = f"{1e3 * watch.deepest_m:.1f} mm"
            count = arguments.episodes
            print(f"| {name} | {expert}/{count} | {depth} | {random}/{count} |")
            sys.stdout.flush()
            faults += expert + random + (watch.deepest_m > DEEPEST_M)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
