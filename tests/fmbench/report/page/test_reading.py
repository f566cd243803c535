"""Runs read in several processes are those that one process reads."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from fmbench.errors import FmbenchError
from fmbench.report.page import reading
from fmbench.report.page.reading import read_all
from fmbench.report.verdicts import MARGIN
from tests.fmbench.fake_run import write_run


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are copied on Linux")
def test_several_processes_read_the_same_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [
        write_run(tmp_path / str(seed), tasks=["LiftCube"], episodes=5, seed=seed)
        for seed in range(3)
    ]
    alone = list(read_all(folders, MARGIN))
    monkeypatch.setattr(reading, "MIN_RUNS", 2)
    monkeypatch.setattr(reading, "cores", lambda: 2)
    together = list(read_all(folders, MARGIN))
    for one, other in zip(alone, together, strict=True):
        pd.testing.assert_frame_equal(one.episodes, other.episodes)
        pd.testing.assert_frame_equal(one.summary, other.summary)
        pd.testing.assert_frame_equal(one.comparisons, other.comparisons)
        assert one.caveats == other.caveats
    *_, missing = read_all([*folders, tmp_path / "none"], MARGIN)
    assert isinstance(missing, FmbenchError)
    assert "none does not exist" in str(missing)
