"""Time the main job, `python -m fmbench.run --policy flow`, in this checkout and in an older one.

Run it with `python -m tests.benchmarks.main_job [--write]`, on two idle cores, in a git checkout.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from tests.benchmarks.interleaved import Duration, Spread, Times, in_turn, now, ratio, spread
from tests.benchmarks.report import Row, describe_machine, run_alone

ROOT = Path(__file__).parents[2]
BEFORE = "bd7586f4"
"""The build of 2026-11-28, which trains on one thread; the limit is a share of its time."""
JOB = ("-m", "fmbench.run", "--policy", "flow")
ROUNDS, BUSY_ROUNDS = 5, 2
LIMIT, BUSY_LIMIT = 0.7, 1.0
NEIGHBOUR = "import numpy as np; a = np.ones((400, 400))\nwhile True: a @ a"


def measure() -> Iterator[Row]:
    """Yield the times of both, their ratio, and how many episodes each solves."""
    with tempfile.TemporaryDirectory() as place, _checkout(Path(place) / "before") as before:
        sides = {"before": before, "now": ROOT}
        outs = {side: Path(place) / f"{side}-out" for side in sides}
        jobs = {side: _job(folder, outs[side]) for side, folder in sides.items()}
        yield from _rows("", in_turn(jobs, ROUNDS), LIMIT)
        for side, out in outs.items():
            yield from _successes(side, out)
        with _neighbour():
            yield from _rows(", beside a busy neighbour", in_turn(jobs, BUSY_ROUNDS), BUSY_LIMIT)


def _rows(where: str, times: dict[str, Times], limit: float) -> Iterator[Row]:
    before, new = times["before"], times["now"]
    for side, each in times.items():
        yield Row(f"{side}{where}", spread(each.wall), 1, "s", cpu=spread(each.cpu))
    what = f"now over before{where}"
    yield Row(what, ratio(new.wall, before.wall), cpu=ratio(new.cpu, before.cpu), limit=limit)


def _job(folder: Path, out: Path) -> Callable[[], Duration]:
    """Return the main job of a checkout, from nothing: no demonstrations, no run."""

    def run() -> Duration:
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, *JOB, "--out", str(out), "--data", str(out / "data")]
        started, cpu = now(), _children_s()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        spent = Duration((now() - started).wall, _children_s() - cpu)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed in {folder}:\n{done.stderr[-2000:]}")
        made = json.loads((out / "run.json").read_text(encoding="utf-8"))["commit"]
        if not _git(folder, "rev-parse", "HEAD").startswith(made.removesuffix("-dirty")):
            raise RuntimeError(f"{folder} ran commit {made}, not its own")
        return spent

    return run


def _children_s() -> float:
    """Return the processor time of the processes that have ended [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _successes(side: str, out: Path) -> Iterator[Row]:
    """Yield how many test episodes the last run of a side solves, for each number of steps."""
    rows = [row for row in read_rows(out / EpisodeRow.file_name, EpisodeRow) if row.steps]
    for steps in sorted({row.steps for row in rows}):
        solved = [row.success for row in rows if row.steps == steps]
        count = float(sum(solved))
        what = f"{side}: successes of {len(solved)} at {steps} Euler steps"
        yield Row(what, Spread(count, count, count), 0)


@contextmanager
def _checkout(folder: Path) -> Iterator[Path]:
    """Check the older commit out, within the `with` block."""
    _git(ROOT, "worktree", "add", "--quiet", "--detach", str(folder), BEFORE)
    try:
        yield folder
    finally:
        _git(ROOT, "worktree", "remove", "--force", str(folder))


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a checkout."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def _neighbour() -> Iterator[None]:
    """Keep one core busy with products, within the `with` block (Linux)."""
    last = max(os.sched_getaffinity(0))
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    process = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], env=environment)
    try:
        os.sched_setaffinity(process.pid, {last})
        yield
    finally:
        process.kill()
        process.wait()


def machine(load: float) -> str:
    """Return the machine and the commits."""
    commit = _git(ROOT, "describe", "--always", "--dirty", "--exclude=*")
    return f"{describe_machine(load)} Before: commit {BEFORE}. Now: commit {commit}."


if __name__ == "__main__":
    title = f"The main job from nothing: `python {' '.join(JOB)}`"
    sys.exit(run_alone("main_job", title, measure, machine))
