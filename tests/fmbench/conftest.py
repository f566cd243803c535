"""Demonstrations of a fast task, shared by all tests."""

from pathlib import Path

import pytest

from fmbench.data.make import make_demonstrations as make
from fmbench.data.store import DemonstrationConfig, Demonstrations, load_demonstrations


@pytest.fixture(scope="session")
def demonstrations_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return four demonstrations of PressEither; copy the folder before changing it."""
    return make(DemonstrationConfig("PressEither", 4), tmp_path_factory.mktemp("demonstrations"))[0]


@pytest.fixture(scope="session")
def demonstrations(demonstrations_folder: Path) -> Demonstrations:
    return load_demonstrations(demonstrations_folder, "PressEither")
