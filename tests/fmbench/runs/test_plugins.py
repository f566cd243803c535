"""A user's own policy in a run: shown as registered, redrawn without registration."""

import json
from pathlib import Path

from tests.fmbench.small_run import SMALL, files_of, finish, start

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
sys.exit(main(sys.argv[1:]))
"""


def test_a_run_with_a_users_policy_is_redrawn_without_it(tmp_path: Path) -> None:
    script, run = tmp_path / "my_policy.py", tmp_path / "run"
    script.write_text(PLUGIN, encoding="utf-8")
    where = ("--no-latency", "--out", run, "--data", tmp_path / "data")
    words = (script, *SMALL, "--policy", "l1_again", "bc", "l1", *where)
    code, shown, error = finish(start(tmp_path, *words))
    assert code == 0, error
    assert shown.index("L1 regression") < shown.index(" bc ") < shown.index("l1_again")
    assert json.loads((run / "run.json").read_text())["policies"] == {
        "l1_again": {"label": "l1_again", "colour": "#AA4499", "place": 100},
        "bc": {"label": "bc", "colour": "#009E73", "place": 70},
        "l1": {"label": "L1 regression", "colour": "#123456", "place": 15},
    }
    drawn = files_of(run)
    for path in [*run.glob("summary.*"), *run.glob("figures/success*"), *run.glob("figures/tr*")]:
        path.unlink()
    assert finish(start(tmp_path, "-m", "fmbench.figures", run))[0] == 0
    assert files_of(run) == drawn
    words = ("-m", "fmbench.matrix", run, "--out", tmp_path / "matrix")
    assert finish(start(tmp_path, *words))[0] == 0
    assert "| L1 regression, mlp |" in (tmp_path / "matrix" / "matrix.md").read_text()
