"""What is committed under results/ is small, can be read, and is what would be drawn again."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fmbench.report.curve import draw as curve
from fmbench.report.markdown import summary_markdown
from fmbench.report.matrix import draw as matrix
from fmbench.report.matrix.text import BACKBONE_ORDER
from fmbench.report.results import Results, read_results
from fmbench.storage.episode_files import read_episodes

RESULTS = Path(__file__).parent.parent / "results"
RUNS = sorted(path.parent for path in RESULTS.rglob("run.json"))
MOST_BYTES, MOST_BYTES_OF_A_FILE = 24 * 2**20, 15 * 2**20

read = cache(read_results)
"""Each folder is read once for all tests."""


def by_backbone(run: Path) -> tuple[int, str]:
    """Return the place of a run in the matrix, as results/README.md gives it."""
    return BACKBONE_ORDER.index(run.name.rpartition("-")[2]), run.name


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Results]:
    monkeypatch.setattr(matrix, "read_results", read)
    monkeypatch.setattr(curve, "read_results", read)
    return read


def test_results_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST_BYTES
    assert {path.name for path, size in sizes.items() if size > MOST_BYTES_OF_A_FILE} == set()


def test_every_folder_with_rows_is_compressed_and_says_where_they_come_from() -> None:
    assert len(RUNS) > 60
    assert {path.parent for path in RESULTS.rglob("episodes.csv.xz")} == set(RUNS)
    assert not list(RESULTS.rglob("episodes.csv"))
    for run in RUNS:
        origins = read_episodes(run).origins
        assert all(row.commit and row.task_hash and "mujoco=4" in row.versions for row in origins)
        learned = [row for row in origins if row.train_seed >= 0]
        assert all(row.weights_hash and row.demonstrations_hash for row in learned)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.relative_to(RESULTS).as_posix())
def test_a_committed_summary_is_what_its_rows_say(
    run: Path, read_once: Callable[[Path], Results]
) -> None:
    assert summary_markdown(read_once(run)) == (run / "summary.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("read_once")
def test_committed_tables_of_several_runs_are_what_their_rows_say(tmp_path: Path) -> None:
    for folder, draw, names, order in (
        ("policy_matrix", matrix.draw_matrix, ("matrix.csv", "matrix.md"), by_backbone),
        ("demonstrations", curve.draw_curve, ("data_curve.csv", "data_curve.md"), None),
    ):
        runs = sorted((run for run in RUNS if run.parent.name == folder), key=order)
        draw(runs, tmp_path)
        for name in names:
            assert (tmp_path / name).read_bytes() == (RESULTS / folder / name).read_bytes(), name
