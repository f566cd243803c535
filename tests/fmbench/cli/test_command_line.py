"""Command lines answer mistakes in one line, help at once, and leave without a crash."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from fmbench import demonstrations, figures, run
from fmbench.cli.parser import Parser
from tests.fmbench.small_run import call, finish, start

COMMANDS = ("run", "demonstrations", "evaluate", "figures")
HELP = """
import runpy, sys
sys.argv = ["command", "--help"]
try:
    runpy.run_module("fmbench.{name}", run_name="__main__")
except SystemExit as leaving:
    print("EXIT", leaving.code, {{"torch", "mujoco", "matplotlib", "pandas"}} & set(sys.modules))
"""


def error(capsys: pytest.CaptureFixture[str], *words: str, command: ModuleType = run) -> str:
    """Run a command that must refuse; return what it says."""
    assert call(command.main, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: ").strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_plain_ascii_and_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    code, out, err = finish(
        start(tmp_path, "-c", HELP.format(name=name), PYTHONIOENCODING="ascii", LANG="C")
    )
    assert (code, err) == (0, "")
    assert f"usage: python -m fmbench.{name}" in out
    assert out.endswith("EXIT 0 set()\n")
    assert out.isascii()
    assert not list(tmp_path.iterdir())


def test_help_names_every_task_policy_and_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(run.main, "--help") == 0
    out = capsys.readouterr().out
    for word in ("PressEither", "diffusion", "smoke", "paper", "velocity", "Ctrl-C", "--nfe"):
        assert word in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--polcy", "flow"], "unknown flag '--polcy'; did you mean --policy"),
        (["--sed=3"], "unknown flag '--sed=3'; did you mean --seeds"),
        (["--pol", "flow"], "unknown flag '--pol'; did you mean --policy"),
        (["flow"], "unknown argument 'flow'; known: --backbone"),
        (["--zzz"], "unknown flag '--zzz'; known: --backbone"),
        (["--seeds", "three"], "argument --seeds: invalid int value: 'three'"),
        (["--updates", "1e4"], "argument --updates: invalid int value: '1e4'"),
        (["--policy"], "argument --policy: expected at least one argument"),
        (["--task", "a\nb"], "unknown task 'a\\nb'; known: A"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert error(capsys, *words).startswith(said)


def test_every_command_answers_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert error(capsys, "--episods", "3", command=demonstrations) == (
        "unknown flag '--episods'; did you mean --episodes? "
        "known: --data, --debug, --episodes, --help, --noise, --task"
    )
    assert error(capsys, "runs/x", "--formt", "svg", command=figures).startswith(
        "unknown flag '--formt'; did you mean --format? known: --debug, --format, --help"
    )
    assert "required: run_dir" in error(capsys, command=figures)


def test_odd_flags_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("python -m demo", "Demo.")
    parser.add_argument("--alpha")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--omega\nline", "1"])
    assert capsys.readouterr().err == "error: unknown flag '--omega'; known: --alpha, --help\n"


@pytest.mark.parametrize("show", ["print('x' * 99_999)", "Console(width=99).print('x')"])
def test_a_reader_that_leaves_ends_the_command_quietly(show: str, tmp_path: Path) -> None:
    code = f"""
import sys
from rich.console import Console
from fmbench.cli.exit_codes import run_command_line
sys.exit(run_command_line(lambda: {show} or 0))
"""
    reader, writer = os.pipe()
    os.close(reader)
    process = start(tmp_path, "-c", code, stdout=writer)
    os.close(writer)
    assert finish(process) == (141, None, "")


def test_text_that_stdout_cannot_encode_is_escaped(tmp_path: Path) -> None:
    code = (
        "import sys; from fmbench.cli.exit_codes import run_command_line;"
        "sys.exit(run_command_line(lambda: print('caf\\u00e9 \\u2013') or 0))"
    )
    process = start(tmp_path, "-c", code, PYTHONIOENCODING="ascii")
    assert finish(process) == (0, "caf\\xe9 \\u2013\n", "")
