"""Finished runs of policies that see, shared by all tests."""

from pathlib import Path

import pytest

from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.runs.small_experiment import run


@pytest.fixture(scope="session")
def seeing_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with "features" and "pixels", two runs, and their "data"; only read it."""
    root = tmp_path_factory.mktemp("seeing")
    with quickly_seeing():
        for observation, config in SEEING.items():
            run(config, root / observation, root / "data")
    return root
