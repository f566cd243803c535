"""What is committed under results/ is small, can be read, and is what would be drawn again."""

from functools import cache
from pathlib import Path

import pytest

from fmbench.report.curve import draw as curve
from fmbench.report.markdown import summary_markdown
from fmbench.report.matrix import draw as matrix
from fmbench.report.results import read_results
from policies.catalogue import BACKBONES

RESULTS = Path(__file__).parent.parent / "results"
RUNS = sorted(path.parent for path in RESULTS.rglob("run.json"))
MOST_BYTES, MOST_BYTES_OF_A_FILE = 24 * 2**20, 15 * 2**20

read = cache(read_results)
"""Each folder is read once for all tests."""


def by_backbone(run: Path) -> tuple[int, str]:
    """Return the place of a run in the matrix, as results/README.md gives it."""
    return list(BACKBONES).index(run.name.rpartition("-")[2]), run.name


def test_results_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST_BYTES
    assert {path.name for path, size in sizes.items() if size > MOST_BYTES_OF_A_FILE} == set()


def test_every_run_is_compressed() -> None:
    assert len(RUNS) > 60
    assert {path.parent for path in RESULTS.rglob("episodes.csv.xz")} == set(RUNS)
    assert not list(RESULTS.rglob("episodes.csv"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.relative_to(RESULTS).as_posix())
def test_a_committed_run_says_where_it_comes_from_and_its_summary_is_what_its_rows_say(
    run: Path,
) -> None:
    results = read(run)
    origins = results.origins
    assert (origins[["commit", "task_hash", "config_hash", "device"]] != "").all(axis=None)
    assert origins["versions"].str.contains(" mujoco=4").all()
    learned = origins[origins["train_seed"] >= 0]
    assert (learned[["weights_hash", "demonstrations_hash"]] != "").all(axis=None)
    assert summary_markdown(results) == (run / "summary.md").read_text(encoding="utf-8")


def test_committed_tables_of_several_runs_are_what_their_rows_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "read_results", read)
    monkeypatch.setattr(curve, "read_results", read)
    for folder, draw, names, order in (
        ("policy_matrix", matrix.draw_matrix, ("matrix.csv", "matrix.md"), by_backbone),
        ("demonstrations", curve.draw_curve, ("data_curve.csv", "data_curve.md"), None),
    ):
        runs = sorted((run for run in RUNS if run.parent.name == folder), key=order)
        draw(runs, tmp_path)
        for name in names:
            assert (tmp_path / name).read_bytes() == (RESULTS / folder / name).read_bytes(), name
