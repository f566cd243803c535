"""Runs with task hashes of the earlier kind are redrawn unchanged, with a note in the summary."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from envs.task_hash import HASH_KIND
from fmbench.report import draw
from fmbench.report.curve.draw import draw_curve
from fmbench.report.draw import draw_all
from fmbench.report.markdown import summary_markdown
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.results import read_results
from fmbench.storage.files import read_json, write_json_atomic
from tests.fmbench.fake_run import write_run
from tests.fmbench.small_run import ROOT, files_of

EARLIER = "- Task hashes: of an earlier kind that matches no current hash. The run can be redrawn,"
Draw = Callable[[Sequence[Path], Path], list[Path]]


def make_run(folder: Path, kind: int, **config: object) -> Path:
    """Write a run; kind 1 is not recorded in its file."""
    write_run(folder, episodes=20)
    facts = read_json(folder / "run.json")
    facts |= {
        "config": {"backbone": "mlp", "demos": 10, **config},
        "task_hashes": {"T": "77aa" * 16},
    }
    facts |= {"hash_kind": kind} if kind > 1 else {}
    write_json_atomic(folder / "run.json", facts)
    return folder


def test_figures_adds_one_line_to_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "render", lambda *_: b"")
    old, new = (make_run(tmp_path / str(kind), kind) for kind in (1, HASH_KIND))
    draw_all(old)
    draw_all(new)
    lines = (old / "summary.md").read_text().splitlines()
    assert [line for line in lines if line.startswith(EARLIER)] == lines[-1:]
    assert lines[:-1] == (new / "summary.md").read_text().splitlines()
    assert (old / "summary.csv").read_bytes() == (new / "summary.csv").read_bytes()


@pytest.mark.parametrize(
    ("draw_runs", "value", "values"),
    [(draw_matrix, "backbone", ("mlp", "dit")), (draw_curve, "demos", (10, 200))],
)
def test_runs_of_the_earlier_kind_are_combined_unchanged(
    draw_runs: Draw, value: str, values: tuple[object, ...], tmp_path: Path
) -> None:
    drawn = []
    for kind in (1, HASH_KIND):
        runs = [make_run(tmp_path / f"{kind}-{v}", kind, **{value: v}) for v in values]
        draw_runs(runs, tmp_path / f"out-{kind}")
        drawn.append(files_of(tmp_path / f"out-{kind}"))
    assert drawn[0] == drawn[1]


def test_committed_run_is_redrawn_unchanged() -> None:
    folder = ROOT / "results" / "demonstrations" / "PressEither-10"
    now = summary_markdown(read_results(folder)).splitlines()
    before = (folder / "summary.md").read_text(encoding="utf-8").splitlines()
    assert now[-1].startswith(EARLIER)
    assert [line for line in before if not line.startswith(EARLIER)] == now[:-1]
