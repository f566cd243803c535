"""Command lines: one line per mistake, fast help, clean exits."""

import importlib
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

from fmbench import demonstrations, figures, run
from fmbench.__main__ import COMMANDS, FOLDERS, load
from fmbench.__main__ import main as fmbench_main
from fmbench.cli.flags import NOT_IN_TABLE, preset_table
from fmbench.cli.parser import Parser
from fmbench.config import AFTER, FLAGS, PRESETS
from policies.catalogue import BACKBONES
from tests.fmbench.small_run import ROOT, call, finish, start

HELP = """
import runpy, sys
sys.argv = ["command", "--help"]
try:
    runpy.run_module("fmbench.{name}", run_name="__main__")
except SystemExit as error:
    print("EXIT", error.code, {{"torch", "mujoco", "matplotlib", "pandas"}} & set(sys.modules))
"""


def error(capsys: pytest.CaptureFixture[str], *words: str, command: ModuleType = run) -> str:
    """Run a command that must fail; return its error message."""
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


def test_every_value_of_a_run_has_a_flag_a_help_and_a_row_of_presets() -> None:
    flags = run._parser()._option_string_actions
    table = preset_table()
    assert [name for name, flag in FLAGS.items() if flag.group == AFTER] == ["test_block"]
    for name, flag in FLAGS.items():
        if flag.group == AFTER:
            assert flag.name not in flags
            assert f"  {flag.name} " not in table
            continue
        assert flags[flag.name].dest == name
        assert flags[flag.name].help
        assert (f"  {flag.name} " in table) == (name not in NOT_IN_TABLE)
    for preset in PRESETS:
        assert preset in table.splitlines()[0]


def test_registered_plug_ins_are_accepted_and_listed_in_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(BACKBONES, "own", BACKBONES["mlp"])
    assert call(run.main, "--help") == 0
    assert "the network: mlp, dit, unet, own" in capsys.readouterr().out


def test_every_command_is_listed_with_its_description(tmp_path: Path) -> None:
    code, out, err = finish(start(tmp_path, "-m", "fmbench"))
    assert (code, err) == (0, "")
    for name in COMMANDS:
        (line,) = re.findall(rf"^  {name} +(.*)$", out, re.MULTILINE)
        assert line == load(name).DESCRIPTION
        assert len(line) < 100
    assert "README" in out
    modules = [path.stem for path in (ROOT / "fmbench").glob("[a-z]*.py")]
    commands = {
        name for name in modules if hasattr(importlib.import_module(f"fmbench.{name}"), "main")
    }
    folders = {path.parent.name for path in (ROOT / "fmbench").glob("*/__main__.py")}
    assert commands | folders == set(COMMANDS), "COMMANDS is complete"
    assert folders == set(FOLDERS)


def test_the_list_of_commands_imports_nothing_heavy(tmp_path: Path) -> None:
    code, out, _ = finish(start(tmp_path, "-c", HELP.format(name="__main__")))
    assert code == 0
    assert out.endswith("EXIT 0 set()\n")


def test_a_misspelt_command_gets_the_near_match(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(fmbench_main, "rnu", "--policy", "flow") == 2
    message = capsys.readouterr().err
    assert message.startswith("error: unknown command 'rnu'; did you mean run? known: ")
    assert message.count("\n") == 1
    assert call(fmbench_main, "zzz") == 2
    assert "known: data_curve, demonstrations, detector, evaluate" in capsys.readouterr().err


def test_a_command_line_may_start_with_the_name_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(fmbench_main, "run", "--task", "LiftCub") == 2
    assert "unknown task 'LiftCub'; did you mean LiftCube" in capsys.readouterr().err
    assert call(fmbench_main, "figures", "--help") == 0
    assert "usage: python -m fmbench.figures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--polcy", "flow"], "unknown flag '--polcy'; did you mean --policy"),
        (["--sed=3"], "unknown flag '--sed=3'; did you mean --seeds"),
        (["--pol", "flow"], "unknown flag '--pol'; did you mean --policy"),
        (["flow"], "unknown argument 'flow'; known: --accept-changes"),
        (["--zzz"], "unknown flag '--zzz'; known: --accept-changes"),
        (["--no-latency=3"], "--no-latency takes no value, but was given '3'"),
        (["--seeds", "three"], "--seeds is 'three'; give a whole number"),
        (["--updates", "1e4"], "--updates is '1e4'; give a whole number"),
        (["--noise", "x"], "--noise is 'x'; give a number"),
        (["--policy"], "--policy is empty; give one or more values"),
        (["--seeds"], "--seeds is empty; give a value"),
        (["--out", ""], "--out is empty; give a path"),
        (["--data="], "--data is empty; give a path"),
        (["--task", "a\nb"], "unknown task 'a\\nb'; known: A"),
    ],
)
def test_mistakes_are_reported_in_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert error(capsys, *words).startswith(message)


def test_every_command_reports_mistakes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert error(capsys, "--episods", "3", command=demonstrations) == (
        "unknown flag '--episods'; did you mean --episodes? "
        "known: --data, --debug, --episodes, --hand, --help, --noise, --plugin, --task"
    )
    assert error(capsys, "runs/x", "--formt", "svg", command=figures).startswith(
        "unknown flag '--formt'; did you mean --format? known: --compress, --debug, --format"
    )
    assert error(capsys, command=figures) == "run_dir must be given; see --help"


def test_odd_flags_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("python -m demo", "Demo.")
    parser.add_argument("--alpha")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--omega\nline", "1"])
    assert capsys.readouterr().err == "error: unknown flag '--omega'; known: --alpha, --help\n"


@pytest.mark.parametrize("show", ["print('x' * 99_999)", "Console(width=99).print('x')"])
def test_a_closed_stdout_ends_the_command_quietly(show: str, tmp_path: Path) -> None:
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
