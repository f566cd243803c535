"""Runs on a user's own demonstrations: what is refused before any work, what `run.json` holds."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from fmbench.config import RunConfig, make_config
from fmbench.data.minari_file import DATA_FILE
from fmbench.errors import FmbenchError
from fmbench.run import main
from fmbench.runs.given import read_given
from fmbench.storage.run_facts import read_run_facts
from tests.fmbench.small_run import SMALL, call, files_of

TASKS = ("PressEither", "LiftCube")
WORDS = (*SMALL[: SMALL.index("--demos")], *SMALL[SMALL.index("--updates") :])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"task": TASKS},
            "--demonstrations is DIR, with --task PressEither LiftCube; give its one",
        ),
        ({"observation": "pixels"}, "--demonstrations is DIR, with --observation pixels; leave"),
        (
            {"noise": 0.5},
            "--demonstrations is DIR, on which --noise 0.5 has no effect; leave it out",
        ),
        ({"unsuccessful": "kep"}, "unknown unsuccessful 'kep'; did you mean keep"),
        (
            {"demonstrations": None, "unsuccessful": "keep"},
            "--unsuccessful is keep, which has no effect without --demonstrations",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(
    overrides: dict[str, object], message: str
) -> None:
    with pytest.raises(FmbenchError) as caught:
        make_config("smoke", {"demonstrations": "DIR", "task": TASKS[:1], **overrides}, TASKS)
    assert str(caught.value).startswith(message)


def test_the_configuration_names_the_folder_and_runs_without_it_keep_their_hash() -> None:
    plain = make_config("smoke", {}, TASKS)
    given = make_config("smoke", {"demonstrations": "some/where", "unsuccessful": "keep"}, TASKS)
    assert {"demonstrations", "unsuccessful"}.isdisjoint(plain.to_json())
    assert given.to_json()["demonstrations"] == "where"
    assert given.to_json()["unsuccessful"] == "keep"
    assert given.hash != plain.hash
    assert given.cell_hash("flow") != plain.cell_hash("flow")
    assert given.cell_hash("expert") == plain.cell_hash("expert")


def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    for place, reason in ((tmp_path, "holds no data set"), (tmp_path / "no", "is no folder")):
        with pytest.raises(FmbenchError, match=f"{reason}; accepted are a Minari data set"):
            read_given(RunConfig(task=("PressEither",), demonstrations=str(place)), None)
    assert read_given(RunConfig(), None) is None


def test_a_data_set_of_another_task_is_refused_before_any_work(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--demonstrations", demonstrations_folder, "--out", tmp_path / "run")
    assert call(main, *WORDS, *words, "--task", "TurnDial") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "the environment is 'fmbench/PressEither-v2'; the task is fmbench/TurnDial-v0" in err
    assert call(main, *WORDS, *words, "--demos", "5") == 2
    assert "has 4 episodes, 0 without success, so 4 to learn from; --demos is 5" in (
        capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_a_run_records_its_data_set_and_resumes_only_on_the_same(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = Path(shutil.copytree(demonstrations_folder, tmp_path / "given"))
    with h5py.File(given / DATA_FILE, "r+") as file:
        for index in range(4):
            ends = np.array([index != 1])
            file[f"episode_{index}/infos/success"] = ends
    words = (*WORDS, "--demonstrations", given)
    out = tmp_path / "run"
    assert call(main, *words, "--out", out) == 0
    assert f"3 of 4 episodes in {given} (1 without success)" in capsys.readouterr().err
    facts = read_run_facts(out)
    assert facts.demonstrations is not None
    made = facts.demonstrations["PressEither"]
    assert (made.episodes, made.attempted, made.failed) == (3, 4, 1)
    assert facts.given == {"PressEither": made.sha256}
    assert facts.config["demos"] == 3
    before = files_of(out / "checkpoints")
    assert call(main, *words, "--out", out) == 0
    assert files_of(out / "checkpoints") == before
    with h5py.File(given / DATA_FILE, "r+") as file:
        file["episode_0/infos/clean_action"][0, 0] = 0.25
    assert call(main, *words, "--out", out) == 2
    assert f"{out} holds another run (PressEither: {made.sha256[:12]}" in capsys.readouterr().err
    assert call(main, *words, "--unsuccessful", "keep", "--out", tmp_path / "kept") == 0
    assert read_run_facts(tmp_path / "kept").config["demos"] == 4
