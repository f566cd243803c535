"""Run the benchmarks and print their Markdown tables: `python -m tests.benchmarks`."""

import argparse
import os
import sys
from collections.abc import Callable

import fmbench  # registers the environments
from tests.benchmarks import (
    decisions,
    delays,
    demonstrations,
    environments,
    harness,
    perturbed,
    physics,
    pictures,
    planner,
    start_up,
    training,
)
from tests.benchmarks.report import Row, describe_machine, markdown, write

BENCHMARKS: dict[str, tuple[str, Callable[[], list[Row]]]] = {
    "harness": (
        "Harness over bare `Batch.step` calls: 100 random episodes with the same rows and controls",
        harness.measure,
    ),
    "perturbed": (
        f"Disturbed worlds over plain ones: {perturbed.EPISODES} random episodes, levels too small "
        "to change the motion",
        perturbed.measure,
    ),
    "physics": (
        f"Physics: simulation steps per second on one core, {physics.EPISODES} expert "
        "episodes of each task",
        physics.measure,
    ),
    "environments": (
        f"Loops over Gymnasium environments: the same {environments.EPISODES} random episodes "
        f"of {environments.TASK}",
        environments.measure,
    ),
    "demonstrations": ("Demonstrations: 200 of LiftCube", demonstrations.measure),
    "training": (
        f"Training: default network, batch {training.CONFIG.batch_size}, LiftCube's shapes",
        training.measure,
    ),
    "decisions": ("Decisions: default network, batch 1, one torch thread", decisions.measure),
    "delays": (
        f"Delays: rollouts of {delays.EPISODES} episodes, and chunks that continue others",
        delays.measure,
    ),
    "planner": (
        "Planned networks: one decision of flow, Euler, 10 steps, small networks, batch 1, "
        "one torch thread",
        planner.measure,
    ),
    "pictures": (
        f"Pictures: {pictures.PICTURES} states from the middle of expert episodes, one camera",
        pictures.measure,
    ),
    "start_up": ("Start-up", start_up.measure),
}


def main() -> int:
    """Run the command line; the exit code is 1 if a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--write", action="store_true", help="write the tables to the README")
    arguments = parser.parse_args()
    if arguments.write and len(arguments.only) < len(BENCHMARKS):
        parser.error("--write replaces all tables; omit --only")
    load, sections = os.getloadavg()[0], []
    for name in arguments.only:
        print(f"{name} ...", file=sys.stderr, flush=True)
        title, measure = BENCHMARKS[name]
        sections.append((title, measure()))
    text = markdown(sections, f"{describe_machine(load)} fmbench {fmbench.__version__}.")
    print(text)
    if arguments.write:
        write(text)
    return 0 if all(row.is_met for _, rows in sections for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
