"""The README's worked examples and names are true."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fmbench.__main__ import COMMANDS
from tests.fmbench.small_run import call

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
SMOKE = ["--preset", "smoke", "--episodes", "3", "--demos", "4", "--updates", "4"]


def example(word: str) -> str:
    """Return the one python block that contains `word`."""
    (found,) = [block for block in PYTHON if word in block]
    return found


@pytest.mark.parametrize(
    ("word", "arguments", "rows"),
    [
        ("register_task", ["--policy", "flow", "bc"], ("BendIndex", "flow", "bc")),
        ("register_policy", ["--task", "PressEither"], ("PressEither", "l1", "bc")),
    ],
)
def test_worked_example_runs(
    word: str, arguments: list[str], rows: tuple[str, ...], tmp_path: Path
) -> None:
    script = tmp_path / "example.py"
    script.write_text(example(word), encoding="utf-8")
    assert len(example(word).splitlines()) < 40
    done = subprocess.run(
        [sys.executable, str(script), *arguments, *SMOKE, "--out", "run", "--data", "data"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    episodes = (tmp_path / "run" / "episodes.csv").read_text(encoding="utf-8")
    for name in rows:
        assert f",{name}," in episodes or episodes.splitlines()[1].startswith(name), name
    assert "expert" in done.stdout


def test_gymnasium_example_makes_environments() -> None:
    done = subprocess.run(
        [sys.executable, "-c", example("make_vec") + "print(env.spec.id, envs.num_envs)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["fmbench/LiftCube-v0", "64"], done.stderr


def test_every_task_is_named() -> None:
    from envs.registry import TASKS, task_id

    assert [name for name in TASKS if task_id(name) not in README] == []


def test_every_flag_of_a_run_is_named_and_none_that_no_command_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = {}
    for name in COMMANDS:
        assert call(importlib.import_module(f"fmbench.{name}").main, "--help") == 0
        flags[name] = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", capsys.readouterr().out))
    assert len(flags["run"]) > 20
    assert flags["run"] - {"--help"} - set(re.findall(r"--[a-z]+(?:-[a-z]+)*", README)) == set()
    assert set(re.findall(r"`(--[a-z-]+)", README)) - set().union(*flags.values()) == set()
