"""Mixture-density regression: its likelihood, its samples, and that it learns separate modes."""

import math

import pytest
import torch
from torch import Tensor, distributions

from policies.objectives.gmm import LEAST_DEVIATION, MODES, MixtureDensity
from tests.policies.two_modes import SHAPE, build, errors_to_modes, train

POLICY = MixtureDensity("sample", SHAPE)
OUTPUTS = MixtureDensity.outputs_per_action(SHAPE[1])
GENERATOR = torch.Generator().manual_seed(0)


def constant(outputs: Tensor) -> object:
    """A network with the same output for every observation; `outputs` is (7, 35)."""
    return lambda actions, time, condition: outputs.expand(len(actions), -1, -1)


def test_the_loss_is_the_exact_negative_log_likelihood() -> None:
    outputs = torch.randn(SHAPE[0], OUTPUTS, generator=GENERATOR, dtype=torch.float64)
    actions = torch.randn(9, *SHAPE, generator=GENERATOR, dtype=torch.float64)
    condition = actions.new_zeros(9, 2)
    mixture = POLICY.predict(constant(outputs), condition)
    deviations = mixture.deviations[..., None, None].expand_as(mixture.means)
    exact = distributions.MixtureSameFamily(
        distributions.Categorical(logits=mixture.logits),
        distributions.Independent(distributions.Normal(mixture.means, deviations), 2),
    ).log_prob(actions)
    lowest = math.log(LEAST_DEVIATION) + 0.5 * math.log(2 * math.pi)
    loss = POLICY.loss(constant(outputs), actions, condition, torch.Generator())
    torch.testing.assert_close(loss, -exact.mean() / 35 - lowest)
    assert loss > 0


def test_the_loss_of_a_certain_prediction_is_almost_zero() -> None:
    outputs = torch.full((SHAPE[0], OUTPUTS), -50.0)
    outputs[:, : MODES * SHAPE[1]] = 0.3
    outputs[:, MODES * SHAPE[1] + 2] = 50.0  # all weight on the third mode, smallest deviations
    actions = POLICY.predict(constant(outputs), torch.zeros(1, 2)).means[:, 2]
    loss = POLICY.loss(constant(outputs), actions, torch.zeros(1, 2), torch.Generator())
    assert 0 <= loss < 1e-6


def test_modes_are_drawn_by_their_weights_for_each_row_independently() -> None:
    weights = torch.tensor([0.5, 0.1, 0.0, 0.3, 0.1])
    outputs = torch.zeros(SHAPE[0], OUTPUTS)
    outputs[:, -2 * MODES : -MODES] = weights.log().clamp(min=-99)
    condition, noise = torch.zeros(20_000, 2), torch.randn(20_000, *SHAPE, generator=GENERATOR)
    chunks = POLICY.sample(constant(outputs), condition, lambda: noise, "mixture", 1)
    means = POLICY.predict(constant(outputs), condition[:1]).means[0]
    drawn = (chunks[:, None] == means).all(dim=(2, 3))
    assert (drawn.sum(dim=1) == 1).all()
    torch.testing.assert_close(drawn.float().mean(0), weights, atol=0.012, rtol=0)
    subset = noise[[7, 3, 11]]
    alone = POLICY.sample(constant(outputs), condition[:3], lambda: subset, "mixture", 1)
    assert torch.equal(alone, chunks[[7, 3, 11]])


def test_modes_start_apart_and_get_different_gradients() -> None:
    start = POLICY.predict(constant(torch.zeros(SHAPE[0], OUTPUTS)), torch.zeros(1, 2))
    assert torch.pdist(start.means[0].flatten(1)).min() > 0.1
    assert start.means.abs().max() <= 0.1
    outputs = torch.zeros(SHAPE[0], OUTPUTS, requires_grad=True)
    actions = torch.rand(50, *SHAPE, generator=GENERATOR) - 0.5
    POLICY.loss(constant(outputs), actions, torch.zeros(50, 2), torch.Generator()).backward()
    assert outputs.grad is not None
    gradients = outputs.grad[:, : MODES * SHAPE[1]].unflatten(1, (MODES, SHAPE[1])).transpose(0, 1)
    assert torch.pdist(gradients.flatten(1)).min() > 0


def test_it_learns_both_modes_with_their_weights() -> None:
    network = build(width=32, objective="gmm")
    train(network, "gmm", updates=300)
    errors = errors_to_modes(network, "gmm", "sample", "mixture", 1)
    nearest = errors.min(dim=1)
    assert nearest.values.median() < 0.01  # regression is 0.3 from either mode
    assert 0.4 < nearest.indices.float().mean() < 0.6
    condition = torch.linspace(-1, 1, 50)[:, None]
    with torch.no_grad():
        mixture = POLICY.predict(network, condition)
    torch.testing.assert_close(
        mixture.logits.softmax(-1).mean(0).topk(2).values,
        torch.tensor([0.5, 0.5]),
        atol=0.05,
        rtol=0,
    )


def test_it_accepts_only_its_own_sampler() -> None:
    with pytest.raises(ValueError, match="'mixture' takes exactly 1 step"):
        POLICY.check_sampler("mixture", 5)
    with pytest.raises(ValueError, match="known: mixture"):
        POLICY.check_sampler("euler", 1)
