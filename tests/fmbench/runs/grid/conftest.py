"""What tests of grids share: data, a finished grid, and doing grids in this process."""

from pathlib import Path

import pytest

from tests.fmbench.runs.grid.small_grid import finished_grid, in_this_process, without_figures


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    """Return the folder of the demonstrations."""
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished grid; copy it before changing anything in it."""
    return finished_grid(tmp_path_factory.mktemp("grid"), data)


@pytest.fixture
def in_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do grids here, and draw their figures only in tests of figures."""
    in_this_process(monkeypatch)
    if "figures" not in request.node.name:
        without_figures(monkeypatch)
