"""Demonstrations of a fast task and a run on it, shared by all tests."""

from pathlib import Path

import pytest

from fmbench.data.make import make_demonstrations as make
from fmbench.data.store import DemonstrationConfig, Demonstrations, load_demonstrations
from fmbench.run import main
from tests.fmbench.small_run import SMALL, call


@pytest.fixture(scope="session")
def demonstrations_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return four demonstrations of PressEither; copy the folder before changing it."""
    return make(DemonstrationConfig("PressEither", 4), tmp_path_factory.mktemp("demonstrations"))[0]


@pytest.fixture(scope="session")
def demonstrations(demonstrations_folder: Path) -> Demonstrations:
    return load_demonstrations(demonstrations_folder, "PressEither")


@pytest.fixture
def short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find few ambiguous starts, and write figures as text."""
    from tests.fmbench.runs.small_experiment import at_few_starts, figures_as_text

    at_few_starts(monkeypatch)
    figures_as_text(monkeypatch)


@pytest.fixture
def figures_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write figures of runs as the rows that they show, for tests of which pixels are no part."""
    from tests.fmbench.runs.small_experiment import figures_as_text

    figures_as_text(monkeypatch)


@pytest.fixture(scope="session")
def finished_run(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run; copy it before changing anything in it."""
    out, data = tmp_path_factory.mktemp("finished") / "run", demonstrations_folder.parent
    assert call(main, *SMALL, "--out", out, "--data", data) == 0
    return out
