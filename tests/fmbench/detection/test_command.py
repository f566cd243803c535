"""The command's bad input: one line, exit code 2, nothing written and no pickle read."""

import pickle
import sys
from pathlib import Path

import pytest

from fmbench import detector
from fmbench.detection.process import EXTRA
from tests.fmbench.small_run import call, finish, start

TRAIN = ("--task", "LiftCube", "--episodes", "2", "--epochs", "1", "--out", "own.safetensors")
WITHOUT_EXTRA = """
import runpy, sys
sys.modules["ultralytics"] = None
sys.argv[:] = ["detector", *{words!r}]
runpy.run_module("fmbench.detector", run_name="__main__", alter_sys=True)
"""


class Harm:
    """A pickle that writes a file when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("harm", "w")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--out must be given; see --help"),
        (("--out", "a.safetensors"), "--task is missing; give tasks to train on, or --import FILE"),
        ((*TRAIN, "--trust"), "--trust is given without --import, the file to be trusted"),
        ((*TRAIN, "--import", "x.pt"), "--task is given; --import trains nothing, leave one of"),
        ((*TRAIN, "--out", "a.pt"), "--out is a.pt; give a file named NAME.safetensors"),
        ((*TRAIN, "--out", "there.safetensors"), "--out is there.safetensors, which exists; give "),
        ((*TRAIN, "--out", "f/a.safetensors"), "--out is f; give a folder (f is a file)"),
        ((*TRAIN, "--task", "LiftCub"), "unknown task 'LiftCub'; did you mean LiftCube"),
        ((*TRAIN, "--episodes", "0"), "--episodes is 0; give a whole number from 1 to"),
        ((*TRAIN, "--epochs", "0"), "--epochs is 0; give a whole number from 1 to 100000"),
        ((*TRAIN, "--image-size", "8"), "--image-size is 8; give a whole number from 16 to 480"),
        ((*TRAIN, "--pictures", "many"), "--pictures is 'many'; give a whole number"),
        ((*TRAIN, "--noise", "-1"), "--noise is -1.0; give a number of at least 0"),
        ((*TRAIN, "--cameras", "mian"), "unknown camera of LiftCube 'mian'; did you mean main"),
        ((*TRAIN, "--renderer", "ray"), "unknown renderer 'ray'; did you mean rays"),
        (("--import", "no.pt", "--trust", "--out", "a.safetensors"), "--import is no.pt, which d"),
        (("--import", ".", "--trust", "--out", "a.safetensors"), ". is not a file; it must be"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple[str, ...], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "there.safetensors").write_bytes(b"old")
    (here / "f").write_bytes(b"")
    assert call(detector.main, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.removeprefix("error: ").startswith(message)
    assert sorted(path.name for path in here.iterdir()) == ["f", "there.safetensors"]


@pytest.mark.parametrize("words", [TRAIN, ("--import", "x.pt", "--trust", *TRAIN[-2:])])
def test_without_the_extra_it_says_what_to_install(words: tuple[str, ...], here: Path) -> None:
    (here / "x.pt").write_bytes(pickle.dumps(Harm()))
    code, out, err = finish(start(here, "-c", WITHOUT_EXTRA.format(words=words)))
    assert (code, out, err) == (2, "", f"error: {EXTRA}\n")
    assert [path.name for path in here.iterdir()] == ["x.pt"]
    assert "python -m pip install -e '.[yolo]'" in EXTRA


def test_a_pickle_is_read_only_if_it_is_trusted(here: Path) -> None:
    (here / "best.pt").write_bytes(pickle.dumps(Harm()))
    words = ("-m", "fmbench.detector", "--import", "best.pt", "--out", "own.safetensors")
    code, out, err = finish(start(here, *words))
    assert (code, out) == (2, "")
    assert err == (
        "error: --import is best.pt, a pickle: reading it runs whatever code it holds; if you "
        "trust where it comes from, add --trust\n"
    )
    assert [path.name for path in here.iterdir()] == ["best.pt"]
    pickle.loads((here / "best.pt").read_bytes())
    assert (here / "harm").exists(), "the pickle would have done something"


def test_the_process_that_the_command_runs_in_imports_nothing_of_the_extra() -> None:
    code = (
        "import sys, fmbench.detection.training, fmbench.detection.importing\n"
        "print({'ultralytics', 'cv2', 'torch'} & set(sys.modules))"
    )
    assert finish(start(Path(), "-c", code))[:2] == (0, "set()\n")
    assert sys.modules.get("fmbench.detection.ultralytics_training") is None
