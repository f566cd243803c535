"""More seeds, policies, tasks, steps or episodes: only what is missing is done, bytes are equal."""

import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig
from fmbench.errors import FmbenchError
from fmbench.runs import trainer
from fmbench.storage.cell_files import cell_file, read_cell, write_cell
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import DiagnosticRow, later_columns
from tests.fmbench.runs.small_experiment import CONFIG, comparable, run, without_opengl
from tests.fmbench.small_run import files_of
from tests.thorough import thoroughly

LATER = later_columns(DiagnosticRow)
MORE = {
    "seeds": replace(CONFIG, seeds=2),
    "policies": replace(CONFIG, policy=("diffusion", "flow")),
    "tasks": replace(CONFIG, task=("ReachPose", "PressEither")),
    "steps": replace(CONFIG, nfe=(1, 2, 4)),
    "episodes": replace(CONFIG, episodes=5),
    "everything": replace(CONFIG, seeds=2, policy=("flow", "bc"), nfe=(4, 2), episodes=4),
}


@pytest.fixture(autouse=True)
def no_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    without_opengl(monkeypatch)


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    make_demonstrations(DemonstrationConfig("ReachPose", 4), demonstrations_folder.parent)
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of `CONFIG`; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        without_opengl(patch)
        run(CONFIG, out, data)
    return out


@pytest.fixture
def grown(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished run, to be extended."""
    return Path(shutil.copytree(finished, tmp_path / "grown"))


@pytest.mark.parametrize("what", thoroughly(MORE, always=["episodes", "everything"]))
def test_a_finished_run_grows_to_the_bytes_of_the_larger_run(
    what: str, data: Path, grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(MORE[what], tmp_path / "whole", data)
    before = files_of(grown / "checkpoints")
    printed = run(MORE[what], grown, data)
    assert f"Extending {grown} (" in printed
    assert comparable(grown) == comparable(tmp_path / "whole")
    after = files_of(grown / "checkpoints")
    assert {name: after[name] for name in before} == before
    monkeypatch.setattr(trainer, "train_together", pytest.fail)
    assert "is complete" in run(MORE[what], grown, data)


def test_every_number_of_steps_has_a_bridge_rate_on_a_task_with_modes(
    data: Path, tmp_path: Path
) -> None:
    run(replace(MORE["tasks"], nfe=(1, 2), policy=("flow", "bc")), tmp_path, data)
    rows = read_rows(tmp_path / "diagnostics.csv", DiagnosticRow)
    pressing = [row for row in rows if row.task == "PressEither"]
    assert [(row.policy, row.steps) for row in pressing] == [("flow", 2), ("flow", 1), ("bc", 1)]
    assert {(row.starts, row.start_samples) for row in pressing} == {(2, 64)}
    assert all(row.bridge_rate is not None for row in pressing)
    assert [row.windows > 0 for row in pressing] == [True, False, True], "headlines"
    reaching = [row for row in rows if row.task == "ReachPose"]
    assert [(row.policy, row.steps, row.starts) for row in reaching] == [
        ("flow", 2, 0),
        ("bc", 1, 0),
    ]
    assert (tmp_path / "figures" / "bridge_vs_nfe.png").exists()
    text = (tmp_path / "summary.md").read_text()
    assert text.count("| Bridge rate | Rarest way |") == 1
    assert "2 starts, where the ways part" in text


def test_diagnostics_of_an_earlier_version_are_kept_and_those_missing_are_added(
    data: Path, grown: Path
) -> None:
    """Files of cells without the columns of the bridge rate have the seal that they had."""
    path = cell_file(grown / "cells", "PressEither-flow-euler2-seed0", DiagnosticRow)
    (row,), origin = read_cell(path, DiagnosticRow)
    later = {field.name: field.default for field in fields(row) if field.name in LATER}
    write_cell(path, [replace(row, **later)], origin, DiagnosticRow)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    chosen = [k for k, name in enumerate(lines[0]) if name not in LATER]
    path.write_text("".join(",".join(line[k] for k in chosen) + "\n" for line in lines))
    (earlier,), _ = read_cell(path, DiagnosticRow)
    assert earlier == replace(row, **later)
    run(replace(CONFIG, nfe=(1, 2)), grown, data)
    rows = read_rows(grown / "diagnostics.csv", DiagnosticRow)
    assert [(r.steps, r.starts, r.windows > 0) for r in rows] == [(2, 0, True), (1, 2, False)]


def test_growth_can_be_stopped_and_resumed(data: Path, grown: Path, tmp_path: Path) -> None:
    config = MORE["everything"]
    run(config, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, grown, data, "bc training")
    assert "Resuming" in run(config, grown, data)
    assert comparable(grown) == comparable(tmp_path / "whole")


@pytest.mark.parametrize(
    ("smaller", "message"),
    [
        ({"episodes": 2}, "episodes: 3 there, 2 now"),
        ({"nfe": (1,)}, r"nfe: \[2\] there, \[1\] now"),
        ({"policy": ("bc",)}, r"policy: \['flow'\] there, \['bc'\] now"),
        ({"episodes": 5, "updates": 7}, "updates: 6 there, 7 now"),
    ],
)
def test_less_or_anything_else_is_rejected(
    smaller: dict[str, object], message: str, data: Path, finished: Path
) -> None:
    before = files_of(finished)
    with pytest.raises(FmbenchError, match=rf"holds another run \({message}\); give another --out"):
        run(replace(CONFIG, **smaller), finished, data)
    assert files_of(finished) == before


def test_the_hash_of_a_cell_covers_only_what_decides_it() -> None:
    flow = CONFIG.cell_hash("flow")
    for config in MORE.values():
        assert config.cell_hash("flow") == flow
    assert replace(CONFIG, schedule="linear").cell_hash("flow") == flow
    assert replace(CONFIG, schedule="linear").cell_hash("diffusion") != CONFIG.cell_hash(
        "diffusion"
    )
    for other in ({"updates": 7}, {"width": 32}, {"demos": 5}, {"exec_horizon": 4}):
        assert replace(CONFIG, **other).cell_hash("flow") != flow  # type: ignore[arg-type]
        assert replace(CONFIG, **other).cell_hash("expert") == CONFIG.cell_hash("expert")  # type: ignore[arg-type]
