"""Consistency flow training: its targets, its parts of a batch, and what one step can learn."""

import copy

import pytest
import torch
from torch import Tensor, nn

from policies.objectives.maniflow import FLOW_SHARE, ManiFlow
from tests.policies.two_modes import SHAPE

B = 32
GENERATOR = torch.Generator().manual_seed(0)
ACTIONS = torch.rand(B, *SHAPE, generator=GENERATOR) * 2 - 1
NOISE = torch.randn(B, *SHAPE, generator=GENERATOR)
CONDITION = torch.rand(B, 1, generator=GENERATOR)


class Linear(nn.Module):
    """A network whose output tells what it was given."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.calls: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        self.calls.append((x_t, time, condition))
        return self.factor * x_t + time[:, :1, None] + 0.1 * time[:, 1:, None]


@pytest.mark.parametrize("prediction", ManiFlow.predictions)
def test_the_target_is_the_averaged_networks_clean_chunk(prediction: str) -> None:
    objective, average = ManiFlow(prediction, SHAPE), Linear(0.7)
    t, h = torch.full((B, 1, 1), 0.3), torch.full((B, 1, 1), 0.25)
    x_t = torch.lerp(NOISE, ACTIONS, t)
    target = objective.target(average, x_t, NOISE, ACTIONS, t, h, CONDITION)
    ((x_end, time, _),) = average.calls
    torch.testing.assert_close(x_end, torch.lerp(NOISE, ACTIONS, 0.55))
    torch.testing.assert_close(time, torch.tensor([[0.55, 0.25]]).expand(B, 2))
    output = 0.7 * x_end + 0.55 + 0.1 * 0.25
    chunk = output if prediction == "sample" else x_end + 0.45 * output
    expected = chunk if prediction == "sample" else (chunk - x_t) / 0.7
    torch.testing.assert_close(target, expected)


@pytest.mark.parametrize("prediction", ManiFlow.predictions)
def test_a_step_past_the_end_leads_to_the_demonstrated_chunk(prediction: str) -> None:
    objective = ManiFlow(prediction, SHAPE)
    t, h = torch.full((B, 1, 1), 0.9), torch.full((B, 1, 1), 0.5)
    x_t = torch.lerp(NOISE, ACTIONS, t)
    target = objective.target(Linear(0.7), x_t, NOISE, ACTIONS, t, h, CONDITION)
    expected = ACTIONS if prediction == "sample" else ACTIONS - NOISE
    torch.testing.assert_close(target, expected, atol=1e-4, rtol=1e-4)


def test_a_batch_has_both_parts_and_the_average_no_gradient() -> None:
    objective, network = ManiFlow("sample", SHAPE), Linear(0.5)
    average = copy.deepcopy(network)
    objective.follow(average)
    loss = objective.loss(network, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    ((_, time, _),) = network.calls
    flow = int(FLOW_SHARE * B)
    assert (time[:flow, 1] == 0).all()
    torch.testing.assert_close(time[flow:, 0], (10 * time[flow:, 0]).round() / 10)
    assert (time[flow:, 1] > 0).any()
    loss.backward()  # type: ignore[no-untyped-call]
    assert network.factor.grad is not None
    assert average.factor.grad is None


def test_without_an_average_the_network_is_its_own() -> None:
    losses = []
    for followed in (None, Linear(0.5)):
        objective = ManiFlow("sample", SHAPE)
        if followed is not None:
            objective.follow(followed)
        generator = torch.Generator().manual_seed(1)
        losses.append(objective.loss(Linear(0.5), ACTIONS, CONDITION, generator))
    torch.testing.assert_close(*losses)
