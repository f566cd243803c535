"""Finished runs of policies that see, shared by all tests, and runs in this process made short."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fmbench.run import main as run_main
from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.runs.small_experiment import (
    at_few_starts,
    figures_as_text,
    run,
    without_opengl,
)
from tests.fmbench.small_run import LASTING, call


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> Iterator[None]:
    """Find few starts, draw text and blank pictures, and do not wait for the disk.

    Files whose tests look at starts, figures or other processes replace this fixture:
    `test_broken_policies.py` draws figures of every command, `test_plugins.py` compares them.
    """
    with pytest.MonkeyPatch.context() as patch:
        at_few_starts(patch)
        figures_as_text(patch)
        without_opengl(patch)
        patch.setattr(os, "fsync", lambda _: None)  # of use only where the power fails
        yield


@pytest.fixture(scope="session")
def seeing_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with "features" and "pixels", two runs, and their "data"; only read it."""
    root = tmp_path_factory.mktemp("seeing")
    with quickly_seeing():
        for observation, config in SEEING.items():
            run(config, root / observation, root / "data")
    return root


@pytest.fixture(scope="session")
def finished_run() -> Path:
    """Refuse the run that other folders share: made while `short_runs` lasts, it has no figures."""
    pytest.fail("figures are text in this folder, for all who share that run; use `lasting_run`")


@pytest.fixture(scope="session")
def lasting_run(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the finished run of `LASTING`; copy it before changing anything in it."""
    out, threads = tmp_path_factory.mktemp("lasting") / "run", torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for shorten in (at_few_starts, figures_as_text, without_opengl):
            shorten(patch)
        words = (*LASTING, "--no-latency", "--out", out, "--data", demonstrations_folder.parent)
        assert call(run_main, *words) == 0
    torch.set_num_threads(threads)
    return out
