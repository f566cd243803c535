"""Recordings of a grid: each policy by a job of its own, once, with the bytes of one process."""

import shutil
from pathlib import Path

import pytest

from fmbench.errors import Incomplete, RunFailed
from fmbench.evaluation.cells import Cell
from fmbench.runs import recordings
from tests.fmbench.runs.grid.small_grid import (
    RECORDED,
    TEXT,
    do_grid,
    finished_grid,
    small_grid,
)
from tests.fmbench.small_run import files_of

ONE = TEXT.partition("[sections.settings]")[0].replace('"flow", "reflow", "bc"', '"flow", "bc"')
ONE = ONE.replace("record = 1", "record = 2")
OF_FLOW, OF_BC = (f"main/PressEither, recordings of {policy}" for policy in ("flow", "bc"))


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished grid; copy it before changing anything in it."""
    out = finished_grid(tmp_path_factory.mktemp("recorded"), data, ONE)
    assert RECORDED == [OF_FLOW, OF_BC]
    return out


def test_only_what_is_missing_is_recorded_and_with_equal_bytes(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    grid, out = small_grid(tmp_path, ONE), tmp_path / "out"
    shutil.copytree(finished, out)
    folder = out / "main" / "PressEither" / "recordings"
    whole = files_of(folder)
    assert {name.split("-")[1] for name in whole} == {"flow", "bc"}
    do_grid(grid, out, data)
    assert RECORDED == []
    of_flow = sorted(folder.glob("PressEither-flow-*"))
    of_flow[0].unlink()
    of_flow[1].write_bytes(b"damaged")
    (folder / "PressEither-flow-euler2-seed0-episode9.npz").touch()
    do_grid(grid, out, data)
    assert RECORDED == [OF_FLOW]
    assert files_of(folder) == whole
    shutil.rmtree(folder)
    RECORDED.clear()
    text = do_grid(grid, out, data)
    assert RECORDED == [OF_FLOW, OF_BC]
    assert "recordings of policies" in text
    assert files_of(folder) == whole


def test_a_recording_that_fails_is_listed_and_keeps_what_it_needs(
    finished: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(cell: Cell, *rest: object) -> object:
        if cell.policy == "bc":
            raise RunFailed("the episode ends otherwise")
        return original(cell, *rest)  # type: ignore[arg-type]

    grid, out = small_grid(tmp_path, ONE), tmp_path / "out"
    shutil.copytree(finished, out)
    folder = out / "main" / "PressEither" / "recordings"
    whole = files_of(folder)
    shutil.rmtree(folder)
    original = recordings.record
    monkeypatch.setattr(recordings, "record", fails)
    with pytest.raises(Incomplete, match=rf"1 failed, the first is {OF_BC}: the episode ends oth"):
        do_grid(grid, out, data, keeps_rows_only=True)
    assert files_of(folder) == {k: v for k, v in whole.items() if "-flow-" in k}
    assert len(list(out.glob("jobs/*/checkpoints"))) == 2
    assert (out / "main" / "headline.md").exists()
    monkeypatch.setattr(recordings, "record", original)
    RECORDED.clear()
    do_grid(grid, out, data, keeps_rows_only=True)
    assert RECORDED == [OF_BC]
    assert files_of(folder) == whole
    assert not list(out.glob("jobs/*/checkpoints"))
    do_grid(grid, out, data, keeps_rows_only=True)
    assert files_of(folder) == whole
