"""A finished run of the command and its re-scoring, in one folder."""

from pathlib import Path

from fmbench import evaluate, run
from tests.fmbench.small_run import SMALL, call

HEUN = ("--sampler", "heun", "--nfe", "2")


def make_pair(root: Path, data: Path) -> Path:
    """Make `run` and `heun` in a folder and return it; copy it before changing anything in it."""
    words = (*SMALL, "--no-latency", "--out", root / "run", "--data", data)
    assert call(run.main, *words) == 0
    assert call(evaluate.main, root / "run", *HEUN, "--out", root / "heun") == 0
    return root
