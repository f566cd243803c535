"""Errors of the commands: text, exit codes and tracebacks."""

import pytest

from envs.registry import TASKS, check_task_name
from fmbench.cli.exit_codes import run_command_line
from fmbench.errors import FmbenchError, RunFailed, unknown
from policies.registry import unknown_name


def raising(error):
    def main():
        raise error

    return main


def test_near_matches_come_before_the_list_of_known_names():
    error = unknown("task", "LiftCub", ["TurnKnob", "LiftCube"])
    assert str(error) == (
        "unknown task 'LiftCub'; did you mean LiftCube? known: LiftCube, TurnKnob"
    )
    assert "did you mean" not in str(unknown("task", "xyz", ["LiftCube"]))


@pytest.mark.parametrize("name", ["LiftCub", "PickEithr", "xyz", ""])
def test_envs_and_policies_use_the_same_text(name):
    expected = str(unknown("task", name, TASKS))
    assert str(unknown_name("task", name, TASKS)) == expected
    with pytest.raises(ValueError, match="unknown task") as caught:
        check_task_name(name)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (FmbenchError("give\na folder"), 2, "error: give a folder\n"),
        (RunFailed("training diverged"), 1, "error: training diverged\n"),
        (ValueError("bad"), 2, "error: bad (--debug shows the traceback)\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_an_error_becomes_one_line_and_an_exit_code(error, code, line, capsys):
    assert run_command_line(raising(error)) == code
    assert capsys.readouterr().err == line


def test_an_os_error_names_the_file(tmp_path, capsys):
    assert run_command_line(lambda: len((tmp_path / "x").read_bytes())) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'x'}: No such file")


def test_debug_adds_the_traceback(capsys):
    assert run_command_line(raising(FmbenchError("bad")), debug=True) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback():
    with pytest.raises(TypeError):
        run_command_line(raising(TypeError("bug")))


def test_the_exit_code_of_main_is_returned():
    assert run_command_line(lambda: 3) == 3
