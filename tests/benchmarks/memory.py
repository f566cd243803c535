"""Measure the memory of commands on states, and what finished cells cost when a run is resumed.

Run it with `python -m tests.benchmarks.memory [--write]`.
"""

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import play
from fmbench.harness.seeds import TEST, episode_seeds
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.training.checkpoints import load_policy
from tests.benchmarks.interleaved import Spread
from tests.benchmarks.large_run import TASKS, write_large_run
from tests.benchmarks.report import Row, describe_machine, run_alone

LIMIT_GB, GROWTH_LIMIT, CELL_LIMIT_MS = 1.5, 1.02, 50.0
FEW, MANY = 2, 20
"""Evaluations after which the memory of a process is compared."""
ROUNDS = 3
CELLS = 25
"""Finished cells of the run that is resumed, against one of a single cell."""
SHORT = ("--updates", "200")
POLICIES = ("flow", "diffusion", "bc", "drift", "knn")


def measure() -> Iterator[Row]:
    """Yield peak memory of commands, growth over evaluations, and the cost of finished cells."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for what, command in _commands(folder):
            peak = _peak_gb(command)
            yield Row(f"`{what}`", Spread(peak, peak, peak), 2, "GB", limit=LIMIT_GB)
        yield _growth(folder / "run")
        yield _cost_of_finished_cells(folder)


def _commands(folder: Path) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield commands as they are shown, and with the folders of this measurement."""
    data = ("--data", str(folder / "data"))
    run, large = str(folder / "run"), folder / "large"
    write_large_run(large, TASKS)
    shown = {
        "fmbench.demonstrations --task LiftCube --episodes 1000": data,
        "fmbench.experts --task LiftCube --episodes 500": ("--out", str(folder / "experts")),
        f"fmbench.run --policy {' '.join(POLICIES)} {' '.join(SHORT)}": (*data, "--out", run),
        f"fmbench.run --backbone unet {' '.join(SHORT)}": (*data, "--out", str(folder / "unet")),
        "fmbench.paper --grid examples/grid.toml": (*data, "--out", str(folder / "grid")),
    }
    for what, folders in shown.items():
        yield what, (*what.split(), *folders)
    command = ("fmbench.evaluate", run, "--sampler", "euler", "--nfe", "3")
    yield "fmbench.evaluate RUN --sampler euler --nfe 3", command
    yield "fmbench.figures RUN, 204,000 rows", ("fmbench.figures", str(large))


def _peak_gb(command: Sequence[str]) -> float:
    """Return the largest resident memory of one process of a command [GB]."""
    code = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, '-m', *sys.argv[1:]], stdout=2); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], check=True, capture_output=True, text=True
    )
    return int(done.stdout) * 1024 / 1e9


def _growth(run: Path) -> Row:
    """Return the resident memory of this process after `MANY` evaluations over that after `FEW`."""
    config = RunConfig(episodes=100)
    policy = load_policy(checkpoint_folder(run, config.task[0], "flow", 0))[0]
    cell = Cell(config.task[0], "flow", "euler", 10, 0)
    seeds = episode_seeds(TEST, config.episodes)
    used = []
    for _ in range(MANY):
        play(cell, config, policy, seeds, lambda done: None, None)
        gc.collect()
        used.append(_resident_bytes())
    growth = used[MANY - 1] / used[FEW - 1]
    what = f"resident memory after {MANY} evaluations over that after {FEW}"
    return Row(what, Spread(growth, growth, growth), 3, limit=GROWTH_LIMIT)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _cost_of_finished_cells(folder: Path) -> Row:
    """Return how much longer the same command of a finished run takes for each further cell."""
    common = ["--policy", "flow", "--preset", "smoke", "--no-latency", "--data", str(folder / "d")]
    commands = []
    for count in (1, CELLS):
        nfe = map(str, range(1, count + 1))
        commands.append(["fmbench.run", *common, "--out", str(folder / f"{count}"), "--nfe", *nfe])
        _run(commands[-1])
    costs = []
    for _ in range(ROUNDS):
        few, many = (_run(command) for command in commands)
        costs.append(1e3 * (many - few) / (CELLS - 1))
    spread = Spread(float(np.median(costs)), min(costs), max(costs))
    what = f"one more finished cell of a run that is resumed ({CELLS} cells against 1)"
    return Row(what, spread, 1, "ms", limit=CELL_LIMIT_MS)


def _run(command: Sequence[str]) -> float:
    """Return the duration of a command [s]."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return time.perf_counter() - started


def machine(load: float) -> str:
    """Return the machine, and what memory is."""
    return f"{describe_machine(load)} Memory: the largest resident set of one process."


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(run_alone("memory", "Memory, and finished cells", measure, machine))
