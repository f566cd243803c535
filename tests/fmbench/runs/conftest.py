"""Finished runs of policies that see, shared by all tests, and few ambiguous starts."""

from pathlib import Path

import pytest

from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.runs.small_experiment import at_few_starts, run


@pytest.fixture(autouse=True)
def few_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    at_few_starts(monkeypatch)


@pytest.fixture(scope="session")
def seeing_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with "features" and "pixels", two runs, and their "data"; only read it."""
    root = tmp_path_factory.mktemp("seeing")
    with quickly_seeing():
        for observation, config in SEEING.items():
            run(config, root / observation, root / "data")
    return root
