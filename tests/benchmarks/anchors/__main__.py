"""Train and evaluate LeRobot's policies of a section: `python -m tests.benchmarks.anchors`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from fmbench.report.results import read_results
from tests.benchmarks.anchors.recipes import (
    SECTIONS,
    SEEDS,
    UPDATES,
    WITH_OUR_NETWORK,
    Anchor,
    anchors,
)
from tests.benchmarks.anchors.train import train


def main() -> int:
    """Run the command line; the exit code is 1 if a training or an evaluation fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.anchors", description=__doc__)
    add = parser.add_argument
    add("--section", choices=SECTIONS, default="anchors")
    add("--task", nargs="+", metavar="NAME", help="tasks of the section (default: all)")
    add("--policy", nargs="+", metavar="NAME", help="policies of the section (default: all)")
    add("--updates", type=int, default=UPDATES, help="of a training, but not in anchors-time")
    add("--data", type=Path, default=Path("data"), help="exported data sets, in lerobot/TASK")
    add("--folder", type=Path, default=Path("outputs"), help="where LeRobot's checkpoints are")
    add("--out", type=Path, default=Path("results/paper"), help="folder of the paper")
    add("--device", default="cuda")
    add("--workers", type=int, default=max(1, (os.cpu_count() or 1) - 3), help="trainings at once")
    add("--evaluations", type=int, default=3, help="evaluations at once")
    options = parser.parse_args()
    known = SECTIONS[options.section].tasks
    options.task = options.task or known
    if unknown := set(options.task) - set(known):
        parser.error(f"--task is {' '.join(sorted(unknown))}; known: {', '.join(known)}")
    own = SECTIONS[options.section].policies
    options.policy = options.policy or own
    if unknown := set(options.policy) - set(own):
        parser.error(f"--policy is {' '.join(sorted(unknown))}; known: {', '.join(own)}")
    chosen = [
        anchor
        for anchor in anchors(options.section)
        if anchor.task in options.task and anchor.policy in options.policy
    ]
    by_number = SECTIONS[options.section].has_our_size
    seconds = {} if by_number else _seconds_of_flow(options)
    os.environ["OMP_NUM_THREADS"] = "1"
    with (
        ProcessPoolExecutor(options.workers, get_context("spawn")) as trainers,
        ThreadPoolExecutor(options.evaluations) as evaluators,
    ):
        given = options.data / "lerobot", options.folder, options.device, options.updates
        trained = {a: trainers.submit(train, a, *given, seconds.get(a.task)) for a in chosen}
        ended = [
            evaluators.submit(_evaluate, chosen[k : k + SEEDS], trained, options)
            for k in range(0, len(chosen), SEEDS)
        ]
        return int(not all(each.result() for each in ended))


def _seconds_of_flow(options: argparse.Namespace) -> dict[str, float]:
    """Return how long `flow` trains on each task of a section on this device."""
    seconds = {}
    for task in options.task:
        out = options.folder / f"flow-{task}"
        words = ("--policy", "flow", "--task", task, "--nfe", "4", "--episodes", "20")
        where = ("--device", options.device, "--data", options.data, "--out", out)
        _call("fmbench.run", *words, "--no-latency", *where)
        seconds[task] = float(read_results(out).measurements["training_time_s"].iloc[0])
        print(f"flow on {task}: {seconds[task]:.1f} s", flush=True)
    return seconds


def _evaluate(
    seeds: list[Anchor], trained: dict[Anchor, Future[str]], options: argparse.Namespace
) -> bool:
    """Evaluate the trainings of one run once they are done; return whether all went well."""
    for anchor in seeds:
        try:
            print(trained[anchor].result(), flush=True)
        except Exception as error:
            print(f"{anchor.name}: {error!r}", file=sys.stderr, flush=True)
            return False
    first = seeds[0]
    last = "checkpoints/last/pretrained_model"
    checkpoints = [options.folder / anchor.name / last for anchor in seeds]
    where = ("--device", options.device, "--out", options.out / first.section / first.run)
    words = ("--lerobot", *checkpoints, "--task", first.task, "--name", first.policy)
    ours = first.policy in WITH_OUR_NETWORK
    module = "tests.benchmarks.anchors.our_network" if ours else "fmbench.evaluate"
    return _call(module, *words, "--no-latency", *where)


def _call(module: str, *words: object) -> bool:
    return subprocess.run([sys.executable, "-m", module, *map(str, words)]).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
