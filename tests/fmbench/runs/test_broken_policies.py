"""Policies that really fail in episodes: counted, reported by every command, exit code 3."""

import shutil
from pathlib import Path

import pytest

from fmbench.report.results import read_results
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow
from tests.fmbench.forked import run_forked
from tests.fmbench.small_run import SMALL

PLUGIN = """
import runpy, sys
import numpy as np
import torch
from torch.nn import functional
from envs.world import World
from fmbench.plugins import register_policy
from policies.objectives.base import Objective
from policies.samplers.steps import StepLimits

class Regression(Objective):
    predictions = ("sample",)
    limits = {"direct": StepLimits(default=1, highest=1)}
    default_sampler = "direct"
    def loss(self, network, actions, condition, generator):
        return functional.mse_loss(self.predict(network, condition), actions)
    def sample(self, network, condition, noise, sampler, steps):
        return self.spoil(self.predict(network, condition))
    def predict(self, network, condition):
        zeros = condition.new_zeros(len(condition), *self.chunk_shape)
        return network(zeros, condition.new_zeros(len(condition)), condition)
    def spoil(self, chunk):
        return chunk

class NotANumber(Regression):
    def spoil(self, chunk):
        return chunk * torch.nan

class WrongShape(Regression):
    def spoil(self, chunk):
        return chunk[:, :2]

class Raising(Regression):
    def spoil(self, chunk):
        raise RuntimeError("no\\0 good\\n=1+1" + "x" * 200_000)

for name, kind in (("nan", NotANumber), ("flat", WrongShape), ("raising", Raising),
                   ("sound", Regression)):
    register_policy(name, kind)

if "--diverge" in sys.argv:
    sys.argv.remove("--diverge")
    step = World.step
    def diverge(self, rows, actions):
        self.batch.bind("qvel")[np.asarray(rows)] = 1e9
        return step(self, rows, actions)
    World.step = diverge
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Registers policies and runs a command; with `--diverge` all simulations diverge."""
ERRORS = {
    "nan": "the policy returned NaN or infinity",
    "flat": "ValueError: could not broadcast input array from shape (3,2,14) into shape (3,9,14)",
    "raising": "RuntimeError: no\\x00 good =1+1xxxx",
}


@pytest.fixture(scope="module")
def folder(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "my_policy.py").write_text(PLUGIN, encoding="utf-8")
    shutil.copytree(demonstrations_folder.parent, folder / "data")
    return folder


def command(folder: Path, *words: object) -> tuple[int, str, str]:
    code, out, error = run_forked(folder, "my_policy.py", *words)
    assert "Traceback" not in error
    return code, " ".join(out.split()), error


@pytest.fixture(scope="module")
def ended(folder: Path) -> tuple[int, str, str]:
    """Run the failing policies and a sound one; return exit code, stdout and stderr."""
    return command(folder, "fmbench.run", *SMALL, "--policy", *ERRORS, "sound", "--out", "run")


def test_a_run_with_failing_policies_ends_with_exit_code_3(
    ended: tuple[int, str, str], folder: Path
) -> None:
    code, shown, error = ended
    assert code == 3
    assert error.splitlines()[-1] == (
        "error: 9 of 18 episodes ended by an error of the policy, see the warnings above; they "
        "count as failures"
    )
    summary = (folder / "run" / "summary.md").read_text()
    for policy, text in ERRORS.items():
        line = f"broken: 3 of 3 episodes of {policy} on PressEither ended by an error ({text}"
        assert f"warning: {line}" in shown
        assert f"> **Warning.** {line}".replace("\\", "\\\\") in summary
        assert f"{policy} direct 0/3 (broken) - " in shown
        assert f"| {policy} | direct | 0/3 (broken) | – |" in summary
        assert f"{policy} is not compared: " in shown
    assert "sound direct 0/3 0.000-" in shown
    assert read_json(folder / "run" / "run.json")["complete"] is True


def test_failing_episodes_are_rows_and_are_neither_timed_nor_diagnosed(
    ended: tuple[int, str, str], folder: Path
) -> None:
    rows = read_rows(folder / "run" / "episodes.csv", EpisodeRow)
    assert {row.policy for row in rows if row.error} == set(ERRORS)
    assert not any(row.success for row in rows if row.error)
    assert max(len(row.error) for row in rows) <= 500
    costs = read_rows(folder / "run" / "measurements.csv", MeasurementRow)
    assert {row.policy for row in costs if row.latency_ms_p50 is None} == set(ERRORS)
    diagnosed = read_rows(folder / "run" / "diagnostics.csv", DiagnosticRow)
    assert {row.policy for row in diagnosed} == {"sound"}
    assert read_results(folder / "run").comparisons.empty


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("fmbench.run", *SMALL, "--policy", *ERRORS, "sound", "--out", "run"), 3),
        (("fmbench.evaluate", "run", "--sampler", "direct", "--out", "again"), 3),
        (("fmbench.figures", "run"), 0),
        (("fmbench.matrix", "run", "--out", "matrix"), 0),
        (("fmbench.data_curve", "run", "--out", "curve"), 0),
        (("fmbench.observations", "run", "--out", "observations"), 0),
    ],
)
def test_every_command_on_such_a_run_warns(
    words: tuple[str, ...], code: int, ended: tuple[int, str, str], folder: Path
) -> None:
    assert ended[0] == 3
    result, out, error = command(folder, *words)
    assert result == code
    shown = out if code else error
    assert shown.count("warning: broken: 3 of 3 episodes of ") == len(ERRORS)
    assert f"ended by an error ({ERRORS['nan']})" in shown


def test_an_unstable_simulation_is_only_warned_about(folder: Path) -> None:
    words = (*SMALL, "--policy", "sound", "--out", "unstable", "--no-latency")
    code, shown, _ = command(folder, "--diverge", "fmbench.run", *words)
    assert code == 0
    rows = read_rows(folder / "unstable" / "episodes.csv", EpisodeRow)
    assert all(row.sim_unstable and not row.success for row in rows)
    assert "warning: unstable: 3 of 3 episodes of sound on PressEither ended because" in shown
    assert "sound direct 0/3 (broken) - " in shown
