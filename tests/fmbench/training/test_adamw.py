"""The optimizer computes what torch's does, and a training does not import torch's compiler."""

import subprocess
import sys

import torch
from torch import Tensor

from fmbench.training.adamw import PlainAdamW
from tests.fmbench.small_run import ROOT

TRAINING = """
import sys
from fmbench.training.loop import train
from tests.fmbench.small_training import CONFIG, make_small_windows, start
windows = make_small_windows()
train(start(windows), CONFIG, windows)
print(sorted(name for name in sys.modules if name == "torch._dynamo"))
"""


def trained(kind: type[torch.optim.AdamW], updates: int) -> tuple[torch.optim.AdamW, list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(5, 3, generator=generator, requires_grad=True) for _ in range(2)]
    optimizer = kind([{"params": weights[:1]}], lr=0.1, weight_decay=0.01, fused=True)
    optimizer.add_param_group({"params": weights[1:], "lr": 0.2})
    for _ in range(updates):
        optimizer.zero_grad()
        sum(weight.square().sum() for weight in weights).backward()  # type: ignore[union-attr]
        optimizer.step()
    return optimizer, weights


def test_it_makes_the_steps_of_torchs() -> None:
    own, theirs = trained(PlainAdamW, 3)[1], trained(torch.optim.AdamW, 3)[1]
    assert all(torch.equal(a, b) for a, b in zip(own, theirs, strict=True))
    assert all(weight.requires_grad for weight in own)


def test_it_takes_and_gives_the_state_of_torchs() -> None:
    theirs, weights = trained(torch.optim.AdamW, 2)
    own, _ = trained(PlainAdamW, 0)
    own.load_state_dict(theirs.state_dict())
    saved, given = own.state_dict(), theirs.state_dict()
    assert saved["param_groups"] == given["param_groups"]
    for index, moments in given["state"].items():
        assert all(torch.equal(saved["state"][index][name], x) for name, x in moments.items())
    own.zero_grad()
    assert all(weight.grad is not None for weight in weights)


def test_it_returns_the_closures_loss_computed_with_gradients() -> None:
    weight = torch.ones(1, requires_grad=True)
    optimizer = PlainAdamW([weight], lr=0.5)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = (weight * 3).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    assert float(optimizer.step(loss)) == 3.0
    assert float(weight.detach()) < 1


def test_training_does_not_import_the_compiler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAINING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
