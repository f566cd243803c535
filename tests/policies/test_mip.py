"""The minimal iterative policy: inputs, targets and learning of its two steps."""

import pytest
import torch
from torch import Tensor

from policies.objectives.mip import MinimalIterativePolicy
from tests.policies.two_modes import SHAPE, build, errors_to_modes, train

POLICY = MinimalIterativePolicy("sample", SHAPE)
ACTIONS = torch.rand(300, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
CONDITION = torch.zeros(300, 2)


class Spy:
    """A network with fixed outputs for the first and second step; it records its inputs."""

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []
        self.times: list[Tensor] = []

    def __call__(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        self.inputs.append(noisy_actions)
        self.times.append(time)
        return 0.5 * ACTIONS if len(self.times) % 2 else ACTIONS - 0.25


def test_the_loss_supervises_both_steps() -> None:
    spy = Spy()
    loss = POLICY.loss(spy, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    assert torch.equal(spy.inputs[0], torch.zeros_like(ACTIONS))
    assert [float(time.unique()) for time in spy.times] == pytest.approx([0.0, 0.9])
    noise = (spy.inputs[1] - 0.9 * ACTIONS) / 0.1
    assert abs(noise.mean()) < 0.05
    assert noise.std() == pytest.approx(1.0, abs=0.05)
    assert abs(torch.corrcoef(torch.stack((noise.flatten(), ACTIONS.flatten())))[0, 1]) < 0.05
    expected = (0.5 * ACTIONS).square().mean() + 0.25**2
    torch.testing.assert_close(loss, expected)


def test_sampling_feeds_the_scaled_first_step_to_the_second() -> None:
    spy = Spy()
    chunk = POLICY.sample(spy, CONDITION, pytest.fail, "two_step", 2)
    assert torch.equal(spy.inputs[0], torch.zeros_like(ACTIONS))
    assert torch.equal(spy.inputs[1], 0.9 * (0.5 * ACTIONS))
    assert [float(time.unique()) for time in spy.times] == pytest.approx([0.0, 0.9])
    assert torch.equal(chunk, ACTIONS - 0.25)
    with pytest.raises(ValueError, match="'two_step' takes exactly 2 steps"):
        POLICY.sample(spy, CONDITION, pytest.fail, "two_step", 1)


def test_it_learns_the_mean_of_two_modes_like_regression() -> None:
    network = build(width=32)
    train(network, "mip", updates=300)
    errors = errors_to_modes(network, "mip", "sample", "two_step", 2)
    torch.testing.assert_close(errors[:, 0], errors[:, 1], atol=0.15, rtol=0)
    assert errors.min() > 0.05
