"""`--plugin FILE`: loaded before names are checked, every mistake in one line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from envs.registry import TASKS
from fmbench import run
from fmbench.__main__ import COMMANDS, load
from fmbench.storage.hashes import sha256_file
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.registered import ENCODER, POLICY, TASK, registrations
from tests.fmbench.small_run import call

REGISTER_BACKBONE = """
from beside import Network
from fmbench.plugins import register_backbone
register_backbone("own", Network)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory; what a test registers is removed."""
    monkeypatch.chdir(tmp_path)
    with registrations():
        yield tmp_path


def rejection(capsys: pytest.CaptureFixture[str], *words: object, command: str = "run") -> str:
    """Run a command that must be rejected in one line; return the message."""
    assert call(load(command).main, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: ").strip()


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_help_and_near_matches_include_what_is_registered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("my_policy.py", POLICY)
    write("my_task.py", TASK)
    words = ("--plugin", "my_policy.py", "--plugin=my_task.py")
    assert call(run.main, *words, "--help") == 0
    shown = capsys.readouterr().out
    assert "gmm, knn, l1" in " ".join(shown.split())
    assert "PressMine" in shown
    assert "did you mean PressMine" in rejection(capsys, *words, "--task", "PressMin")
    assert "drift, flow, gmm, imle, knn, l1," in rejection(capsys, *words, "--policy", "xyz")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_loads_plug_ins(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = rejection(capsys, "--plugin", "none.py", command=command)
    assert message == (
        "--plugin is 'none.py', which does not exist; give a Python file, NAME.py, that registers "
        "a task, policy, backbone, encoder or axis"
    )
    write("my_policy.py", POLICY)
    main = load(command).main
    assert call(main, "--plugin", "my_policy.py", "--help") == 0
    assert "--plugin FILE" in capsys.readouterr().out
    assert "l1" in POLICIES


def test_files_that_are_no_plug_ins_are_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    for name, text, message in [
        ("text.md", "x = 1", "is 'text.md', which is not named NAME.py; give a Python file, "),
        ("empty.py", "x = 1", "is 'empty.py', which registers nothing when it is imported; call "),
        ("named.py", ENCODER.replace('"colours"', '"vit"'), "an encoder named 'vit' is registered"),
        ("random.py", POLICY, "but 'random' is the name of "),
        ("torch.py", POLICY, "but 'torch' is the name of "),
        ("envs.py", POLICY, "but 'envs' is the name of "),
        ("stats.py", POLICY.replace('"l1"', '"l/1"'), "line 19: ValueError: the name of the poli"),
        ("twice.py", POLICY.replace('"l1"', '"bc"'), "line 19: ValueError: a policy named 'bc' is"),
        ("syntax.py", "x = 1\ny = (", "cannot be imported: syntax.py, line 2: SyntaxError: '('"),
        ("raises.py", "def f():\n    1 / 0\nf()", "raises.py, line 2: ZeroDivisionError: division"),
        ("missing.py", "import nothing_here", "line 1: ModuleNotFoundError: No module named"),
        ("ends.py", "import sys\nsys.exit(3)", "which ends the process when it is imported (ends"),
        ("starts.py", "import fmbench.run as r\nr.main([])", "line 2: FmbenchError: it starts a "),
        ("null.py", "x = '\0'", "null bytes"),
    ]:
        write(name, text)
        assert message in rejection(capsys, "--plugin", name)
    Path("folder.py").mkdir()
    assert "is 'folder.py', which is a folder; give" in rejection(capsys, "--plugin", "folder.py")
    assert "'', which does not exist" in rejection(capsys, "--plugin=")
    assert rejection(capsys, "--plugin") == "--plugin is empty; give a value"
    assert rejection(capsys, "--plugin", "--debug") == "--plugin is empty; give a value"


def test_debug_shows_the_traceback_of_a_plug_in(capsys: pytest.CaptureFixture[str]) -> None:
    write("raises.py", "1 / 0")
    assert call(run.main, "--debug", "--plugin", "raises.py") == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("error: --plugin is 'raises.py', which cannot be")


def test_what_runs_a_file_as_a_program_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    write("mine.py", POLICY + '\nif __name__ == "__main__":\n    1 / 0\n')
    assert "unknown policy 'xyz'" in rejection(capsys, "--plugin", "mine.py", "--policy", "xyz")
    assert POLICIES["l1"].target == "mine:AbsoluteError"


def test_a_file_is_loaded_once_and_rejected_after_a_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write("mine.py", POLICY)
    for given in ("mine.py", "./mine.py", os.path.abspath("mine.py")):
        assert call(run.main, "--plugin", given, "--plugin", "mine.py", "--help") == 0
    capsys.readouterr()
    path.write_text(POLICY + "\n", encoding="utf-8")
    assert "has changed since it was imported; start" in rejection(capsys, "--plugin", "mine.py")
    Path("other").mkdir()
    write("other/mine.py", TASK)
    assert "but 'mine' is the name of" in rejection(capsys, "--plugin", "other/mine.py")


def test_entries_have_the_files_that_define_them() -> None:
    Path("sub").mkdir()
    beside = write("sub/beside.py", "from policies.backbones.mlp import ResidualMLP\n")
    with beside.open("a") as file:
        file.write("class Network(ResidualMLP):\n    pass\n")
    for name, text in (("mine", POLICY), ("task", TASK), ("net", REGISTER_BACKBONE)):
        write(f"sub/{name}.py", text)
        assert call(run.main, "--plugin", f"sub/{name}.py", "--help") == 0
    for entry, names in (
        (POLICIES["l1"], ["mine"]),
        (TASKS["PressMine"], ["task"]),
        (BACKBONES["own"], ["net", "beside"]),
    ):
        paths = [Path("sub", f"{name}.py").absolute() for name in names]
        assert list(entry.files.items()) == [(str(path), sha256_file(path)) for path in paths]
    assert POLICIES["flow"].files == TASKS["LiftCube"].files == BACKBONES["mlp"].files == {}
