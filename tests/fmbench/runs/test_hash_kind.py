"""Runs with task hashes of the earlier kind are neither resumed nor used again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from envs.task_hash import HASH_KIND
from fmbench.errors import FmbenchError
from fmbench.evaluate import main as evaluate
from fmbench.evaluation import contact_sheets
from fmbench.runs import finish
from fmbench.storage.files import read_json
from fmbench.training.checkpoint_facts import checkpoint_facts
from tests.fmbench.runs.small_experiment import CONFIG, BlankRenderer, run
from tests.fmbench.runs.test_experiment import rejection
from tests.fmbench.small_run import call, files_of
from tests.reseal import change_run


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
        patch.setattr(finish, "draw_all", lambda out: None)
        run(CONFIG, out, data)
    return out


@pytest.fixture
def earlier(finished: Path, tmp_path: Path) -> Path:
    """Return the run as an earlier fmbench wrote it."""
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    hashes = {"PressEither": "0" * 64}
    change_run(folder, hash_kind=None, commit="0123456789ab", task_hashes=hashes)
    return folder


def expected(folder: Path, instead: str) -> str:
    return (
        f"{folder} holds task hashes of an earlier kind, which match no task of this fmbench; "
        f"use the fmbench that made it (commit 0123456789ab), or {instead}"
    )


def test_new_runs_store_the_kind_of_their_hashes(finished: Path) -> None:
    assert read_json(finished / "run.json")["hash_kind"] == HASH_KIND == 2
    (checkpoint,) = (finished / "checkpoints").iterdir()
    assert checkpoint_facts(checkpoint).origin["hash_kind"] == "2"


def test_resuming_is_rejected(earlier: Path, data: Path) -> None:
    assert rejection(CONFIG, earlier, data) == expected(earlier, "give another --out")


def test_learning_from_it_is_rejected(earlier: Path, data: Path, tmp_path: Path) -> None:
    learner = replace(CONFIG, policy=("reflow",), from_run=str(earlier))
    with pytest.raises(FmbenchError) as caught:
        run(learner, tmp_path / "new", data)
    assert str(caught.value) == expected(earlier, "run it again")
    assert not (tmp_path / "new").exists()


def test_scoring_it_again_is_rejected(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(earlier)
    assert call(evaluate, earlier, "--sampler", "heun", "--nfe", "2") == 2
    assert capsys.readouterr().err == f"error: {expected(earlier, 'run it again')}\n"
    assert files_of(earlier) == before
    assert [path.name for path in earlier.parent.iterdir()] == ["run"]
