"""More seeds, policies, tasks, steps or episodes: only what is missing is done, bytes are equal."""

from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig
from fmbench.errors import FmbenchError
from fmbench.runs import trainer
from tests.fmbench.runs.small_experiment import CONFIG, comparable, run, without_opengl
from tests.fmbench.small_run import files_of

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


@pytest.mark.parametrize("what", MORE)
def test_a_finished_run_grows_to_the_bytes_of_the_larger_run(
    what: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(MORE[what], tmp_path / "whole", data)
    run(CONFIG, tmp_path / "grown", data)
    before = files_of(tmp_path / "grown" / "checkpoints")
    printed = run(MORE[what], tmp_path / "grown", data)
    assert f"Extending {tmp_path / 'grown'} (" in printed
    assert comparable(tmp_path / "grown") == comparable(tmp_path / "whole")
    after = files_of(tmp_path / "grown" / "checkpoints")
    assert {name: after[name] for name in before} == before
    monkeypatch.setattr(trainer, "train_together", pytest.fail)
    assert "is complete" in run(MORE[what], tmp_path / "grown", data)


def test_growth_can_be_stopped_and_resumed(data: Path, tmp_path: Path) -> None:
    config = MORE["everything"]
    run(config, tmp_path / "whole", data)
    run(CONFIG, tmp_path / "grown", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "grown", data, "bc training")
    assert "Resuming" in run(config, tmp_path / "grown", data)
    assert comparable(tmp_path / "grown") == comparable(tmp_path / "whole")


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
    smaller: dict[str, object], message: str, data: Path, tmp_path: Path
) -> None:
    run(CONFIG, tmp_path, data)
    before = files_of(tmp_path)
    with pytest.raises(FmbenchError, match=rf"holds another run \({message}\); give another --out"):
        run(replace(CONFIG, **smaller), tmp_path, data)
    assert files_of(tmp_path) == before


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
