"""Rows of the network in an update are counted at the network."""

import pytest
import torch
from torch import Tensor, nn

from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.training_rows import RowCounter, rows_per_window

ROWS = {
    "flow": 1.0,
    "reflow": 11.0,  # and ten steps of the teacher
    "meanflow": 1.25,  # a quarter of the batch has a derivative
    "shortcut": 1.5,  # a quarter of the batch has a target of two steps
    "maniflow": 1.25,
    "drift": 8.0,
    "imle": 9.0,  # eight samples, and the nearest once more with its gradient
    "diffusion": 1.0,
    "consistency": 3.0,  # student, teacher and average
    "mip": 2.0,
    "bc": 1.0,
    "gmm": 1.0,
    "knn": 0.0,
}


def config(objective: str, **more: int | str) -> ChunkPolicyConfig:
    return ChunkPolicyConfig(3, 2, 1, 4, objective, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", POLICIES)
def test_rows_of_an_update(objective: str) -> None:
    if objective in ROWS:  # others were registered by tests
        assert rows_per_window(config(objective), 64) == ROWS[objective]


@pytest.mark.parametrize(("objective", "rows"), [("drift", 3), ("imle", 4)])
def test_rows_follow_the_samples(objective: str, rows: int) -> None:
    assert rows_per_window(config(objective, training_samples=3), 16) == rows


def test_the_improved_mean_flow_evaluates_its_velocity() -> None:
    assert rows_per_window(config("meanflow", meanflow="improved"), 64) == 1.5


class Counted(nn.Module):
    """A real network whose rows are counted where it is called."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.rows = network, 0

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        self.rows += len(noisy_actions)
        output: Tensor = self.network(noisy_actions, time, condition)
        return output


@pytest.mark.parametrize("objective", ["flow", "shortcut", "drift", "imle", "mip", "bc", "gmm"])
def test_a_real_training_evaluates_as_many_rows(objective: str) -> None:
    policy = ChunkPolicy(config(objective, width=8, depth=1))
    policy.fit_normalizers(torch.randn(9, 3), torch.rand(9, 2))
    policy.network = Counted(policy.network)
    policy.loss(torch.randn(64, 1, 3), torch.rand(64, 4, 2), torch.Generator())
    assert policy.network.rows == 64 * ROWS[objective]


def test_copies_count_together() -> None:
    counter = RowCounter(2)
    policy = ChunkPolicy(config("reflow"))
    policy.objective.learn_from(counter)
    policy.objective.taught_by()(torch.zeros(5, 4, 2), torch.zeros(5), torch.zeros(5, 1))
    assert counter.rows == 5
