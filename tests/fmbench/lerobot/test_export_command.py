"""The command `python -m fmbench.export`: one line per mistake, and where Minari data are."""

from pathlib import Path

import pytest

from fmbench import export as command
from tests.fmbench.small_run import call

LEROBOT = ("--format", "lerobot", "--task", "PressEither", "--episodes", "4")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--format is missing; known: lerobot, minari"),
        (
            ("--format", "lerobt"),
            "unknown format 'lerobt'; did you mean lerobot? known: hub, lerobot",
        ),
        (
            ("--format", "rlds"),
            "unknown format 'rlds'; known: hub, lerobot, minari, onnx, torch-export",
        ),
        (LEROBOT, "--out is missing; give a new folder for the data set"),
        (
            (*LEROBOT[:2], "--task", "PressEither", "LiftCube"),
            "--task is PressEither LiftCube; giv",
        ),
        ((*LEROBOT[:2], "--task", "LiftCub"), "unknown task 'LiftCub'; did you mean LiftCube"),
        ((*LEROBOT[:2], "--episodes", "0"), "--episodes is 0; give a whole number from 1 to"),
        ((*LEROBOT, "--image-size", "32"), "--image-size is given without --cameras; name"),
        ((*LEROBOT, "--renderer", "rays"), "--renderer is given without --cameras; name"),
        (
            (*LEROBOT, "--cameras", "main", "--image-size", "33"),
            "--image-size is 33; give an even number",
        ),
        (("--format", "minari", "--out", "x"), "--out is given; --format minari writes nothing"),
    ],
)
def test_mistakes_are_told_in_one_line_before_any_work(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command.main, *words, "--data", tmp_path / "data") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {message}")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_the_extra_that_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PACKAGES", ("no_such_package",))
    assert call(command.main, *LEROBOT, "--data", tmp_path / "d", "--out", tmp_path / "o") == 2
    assert capsys.readouterr().err == (
        "error: --format lerobot needs the package no_such_package; install it with: "
        "python -m pip install -c constraints.txt -e '.[export]'\n"
    )
    assert not list(tmp_path.iterdir())


def test_minari_data_are_where_the_demonstrations_are(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--format", "minari", "--task", "PressEither", "--episodes", "4")
    assert call(command.main, *words, "--data", demonstrations_folder.parent) == 0
    folder = demonstrations_folder / "data"
    assert (
        capsys.readouterr().out == f"{folder} is a Minari data set already; nothing was written\n"
    )
    assert call(command.main, *words, "--noise", "0.5", "--data", tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "python -m fmbench.demonstrations --task PressEither --episodes 4 --noise 0.5" in line
    assert not list(tmp_path.iterdir())
