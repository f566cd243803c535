"""The command, killed by SIGKILL at five moments, does the rest when it is started again.

With `FMBENCH_ALL_KILLS=1` it is killed just before and just after every rename.
"""

import os
from pathlib import Path

import pytest

from fmbench.run import main
from tests.fmbench.moments import around_renames
from tests.fmbench.runs.small_experiment import comparable
from tests.fmbench.small_run import call, finish, start

ALL = os.environ.get("FMBENCH_ALL_KILLS") == "1"
PARTS = range(5)

COMMAND = """
import runpy, sys
from pathlib import Path
from fmbench.runs import trainer
from tests.fmbench.moments import kill_at, record
trainer.CHECKPOINT_UPDATES = 2
{act}({number!r}, Path({root!r}))
runpy.run_module("fmbench.run", run_name="__main__", alter_sys=True)
"""
WORDS = (
    *("--preset", "smoke", "--task", "PressEither", "--policy", "flow", "--nfe", "1", "2"),
    *("--width", "8", "--depth", "1", "--episodes", "2", "--demos", "2", "--updates", "6"),
    *("--batch-size", "4", "--no-latency", "--out", "run", "--data", "data"),
)
FIVE = (
    "rename run/.run.json.PID.tmp run/run.json",
    "exchange",
    "rename run/cells/.PressEither-flow-euler2-seed0.csv.PID.tmp",
    "rename run/.episodes.csv.PID.tmp",
    "rename run/.summary.md.PID.tmp",
)


pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Find all starts and draw figures, as the commands in processes of their own do."""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Run the command itself; return its folder and its changes."""
    root = tmp_path_factory.mktemp("command")
    lines = root.with_name("command.changes")
    script = COMMAND.format(act="record", number=str(lines), root=str(root))
    code, _, err = finish(start(root, "-c", script, *WORDS))
    assert code == 0, err
    return root, lines.read_text().splitlines()


@pytest.mark.parametrize("part", PARTS)
def test_the_command_killed_by_sigkill_resumes(
    part: int, command: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, changes = command
    firsts = [next(k for k, line in enumerate(changes) if line.startswith(x)) for x in FIVE]
    chosen = around_renames(changes) if ALL else firsts
    for moment in [m for m in chosen if m < len(changes)][part :: len(PARTS)]:
        root = tmp_path / str(moment)
        root.mkdir()
        script = COMMAND.format(act="kill_at", number=moment, root=str(root))
        code, out, err = finish(start(root, "-c", script, *WORDS))
        assert (code, out) == (-9, ""), err
        monkeypatch.chdir(root)
        assert call(main, *WORDS) == 0
        assert comparable(root / "run") == comparable(expected / "run")
        assert sorted(path.name for path in (root / "run").rglob(".*")) == [".lock"]
