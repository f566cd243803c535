"""A user's own program with its policy: shown, redrawn without it, scored again with it."""

import json
from pathlib import Path

import pytest

from fmbench.storage.hashes import sha256_file
from tests.fmbench.forked import run_forked
from tests.fmbench.small_run import SMALL, files_of

PLUGIN = """
import sys
import torch
from torch.nn import functional
from fmbench.plugins import register_policy
from fmbench.run import main
from policies.objectives.base import Objective
from policies.samplers.steps import StepLimits

class AbsoluteError(Objective):
    predictions = ("sample",)
    limits = {"direct": StepLimits(default=1, highest=1)}
    default_sampler = "direct"
    def loss(self, network, actions, condition, generator):
        zeros = torch.zeros_like(actions)
        predicted = network(zeros, actions.new_zeros(len(actions)), condition)
        return functional.l1_loss(predicted, actions)
    def sample(self, network, condition, noise, sampler, steps):
        zeros = condition.new_zeros(len(condition), *self.chunk_shape)
        return network(zeros, condition.new_zeros(len(condition)), condition)

register_policy("l1", AbsoluteError, label="L1 regression", colour="#123456", place=15)
register_policy("l1_again", AbsoluteError)
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.thorough
def test_a_run_with_a_users_policy_is_redrawn_without_it(tmp_path: Path) -> None:
    script, run = tmp_path / "my_policy.py", tmp_path / "run"
    script.write_text(PLUGIN, encoding="utf-8")
    where = ("--no-latency", "--out", run, "--data", tmp_path / "data")
    words = (script, *SMALL, "--policy", "l1_again", "bc", "l1", *where)
    code, shown, error = run_forked(tmp_path, *words)
    assert code == 0, error
    assert shown.index("L1 regression") < shown.index(" bc ") < shown.index("l1_again")
    assert json.loads((run / "run.json").read_text())["policies"] == {
        "l1_again": {"label": "l1_again", "colour": "#DDCC77", "place": 100},
        "bc": {"label": "bc", "colour": "#009E73", "place": 70},
        "l1": {"label": "L1 regression", "colour": "#123456", "place": 15},
    }
    assert [
        (plugin["name"], plugin["file"], plugin["sha256"])
        for plugin in json.loads((run / "run.json").read_text())["plugins"]
    ] == [(name, "my_policy.py", sha256_file(script)) for name in ("l1_again", "l1")]
    drawn = files_of(run)
    for path in [*run.glob("summary.*"), *run.glob("figures/success*"), *run.glob("figures/tr*")]:
        path.unlink()
    assert run_forked(tmp_path, "-m", "fmbench.figures", run)[0] == 0
    assert files_of(run) == drawn
    words = ("-m", "fmbench.matrix", run, "--out", tmp_path / "matrix")
    assert run_forked(tmp_path, *words)[0] == 0
    assert "| L1 regression, mlp |" in (tmp_path / "matrix" / "matrix.md").read_text()
    words = ("-m", "fmbench.evaluate", run, "--sampler", "direct", "--out", tmp_path / "again")
    code, _, error = run_forked(tmp_path, *words, "--plugin", "my_policy.py")
    assert code == 0, error
    for name in ("l1", "l1_again", "bc"):
        rows, again = (
            [line for line in (folder / "episodes.csv").open() if f",{name}," in line]
            for folder in (run, tmp_path / "again")
        )
        assert rows == again
