"""Guidance by the definition, for flows and diffusions, with every prediction."""

import math

import pytest
import torch
from torch import Tensor

from policies.catalogue import DIFFUSION_STEPS, POLICIES
from policies.guidance import MAX_WEIGHT, GuidedNetwork, soft_weights
from policies.objectives import make_objective
from policies.objectives.base import Denoiser
from policies.objectives.diffusion import network_time
from tests.policies.linear_gaussian import COVARIANCE, IDENTITY, optimal_sample

TARGET = torch.tensor([[[0.9, -0.2, 0.4]]], dtype=torch.float64)
WEIGHTS = torch.tensor([[[1.0, 0.5, 0.0]]], dtype=torch.float64)
X = torch.tensor([[[0.3, -1.1, 0.7]]], dtype=torch.float64)
CASES = [
    (name, prediction)
    for name, entry in POLICIES.items()
    if entry.denoises
    for prediction in entry.predictions
]


def test_weights_fall_from_one_to_zero_as_in_equation_5() -> None:
    weights = soft_weights(16, 8, 3)
    assert weights[:3].tolist() == [1.0, 1.0, 1.0]
    assert weights[8:].tolist() == [0.0] * 8
    fourth = 1 - 1 / 6  # the first of five that decay
    assert weights[3] == pytest.approx(fourth * math.expm1(fourth) / math.expm1(1.0))
    assert weights[7] == pytest.approx((1 / 6) * math.expm1(1 / 6) / math.expm1(1.0))
    assert (weights[3:8].diff() < 0).all()
    assert not soft_weights(8, 8, 0).any()
    assert soft_weights(16, 8, 8).tolist() == [1.0] * 8 + [0.0] * 8
    with pytest.raises(ValueError, match="delay is 9, but the previous chunk reaches 8"):
        soft_weights(16, 8, 9)


def denoiser(name: str, prediction: str) -> Denoiser:
    objective = make_objective(name, prediction, (1, 3)).double()
    assert isinstance(objective, Denoiser)
    return objective


def network_of(learner: Denoiser, x: Tensor, time: Tensor) -> Tensor:
    """The optimal network for normally distributed chunks, with any prediction."""
    signal, noise = (level[:, None, None].double() for level in learner.levels(time))
    clean = optimal_sample(x, signal, noise)
    return learner.output_change(clean - learner.clean_chunk(torch.zeros_like(x), x, time), time)


@pytest.mark.parametrize(("name", "prediction"), CASES)
@pytest.mark.parametrize("step", [0, 40, 97])
def test_the_output_implies_the_clean_chunk(name: str, prediction: str, step: int) -> None:
    learner, time = denoiser(name, prediction), torch.tensor([step / DIFFUSION_STEPS]).double()
    signal, noise = (level.double() for level in learner.levels(time))
    clean = learner.clean_chunk(network_of(learner, X, time), X, time)
    assert torch.allclose(clean, optimal_sample(X, signal, noise), atol=1e-5)


@pytest.mark.parametrize(("name", "prediction"), CASES)
@pytest.mark.parametrize("step", [0, 40, 97])
@pytest.mark.parametrize("exact", [True, False])
def test_a_linear_network_is_guided_as_the_equations_say(
    name: str, prediction: str, step: int, exact: bool
) -> None:
    learner, time = denoiser(name, prediction), torch.tensor([step / DIFFUSION_STEPS]).double()
    guided = GuidedNetwork(
        lambda x, t, c: network_of(learner, x, t), learner, TARGET, WEIGHTS, exact
    )
    output = guided(X, time, torch.zeros(1, 1))
    signal, noise = (float(level) for level in learner.levels(time))
    t = signal / (signal + noise)
    # The clean chunk is affine in the flow's x = x_k / (signal + noise) with this Jacobian.
    total = t**2 * COVARIANCE + (1 - t) ** 2 * IDENTITY
    jacobian = t * COVARIANCE @ torch.linalg.inv(total) if exact else IDENTITY
    clean = optimal_sample(X, signal, noise)
    # At high noise the clean chunk of a predicted noise is an error over the signal level, e.g.
    # 1e3, and no chunk.
    seen = clean.clamp(-1.0, 1.0) if prediction == "epsilon" else clean
    pull = (WEIGHTS * (TARGET - seen)) @ jacobian
    r2 = (1 - t) ** 2 / (t**2 + (1 - t) ** 2)
    strength = min(MAX_WEIGHT, (1 - t) / (t * r2)) if t else MAX_WEIGHT
    expected = clean + (1 - t) * strength * pull
    found = learner.clean_chunk(output, X, time)
    assert torch.allclose(found, expected, atol=1e-5 * (1 + noise / max(signal, 1e-3)))


def test_a_diffusion_is_guided_as_the_flow_at_its_time() -> None:
    flow, diffusion = denoiser("flow", "sample"), denoiser("diffusion", "sample")
    time = torch.tensor([float(network_time(37))]).double()
    signal, noise = (float(level) for level in diffusion.levels(time))
    found = []
    for learner, x, t in (
        (diffusion, X, time),
        (flow, X / (signal + noise), torch.tensor([signal / (signal + noise)]).double()),
    ):
        guided = GuidedNetwork(
            lambda x, t, c, learner=learner: network_of(learner, x, t),  # type: ignore[misc]
            *(learner, TARGET, WEIGHTS, True),
        )
        found.append(guided(x, t, torch.zeros(1, 1)))
    assert torch.allclose(*found, atol=1e-6)


@pytest.mark.parametrize(("name", "prediction"), CASES)
def test_weights_of_zero_change_no_bit(name: str, prediction: str) -> None:
    learner, time = denoiser(name, prediction), torch.tensor([0.37]).double()

    def network(x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        return torch.tanh(3 * x)

    guided = GuidedNetwork(network, learner, TARGET, 0 * WEIGHTS, exact=True)
    assert torch.equal(guided(X, time, time), network(X, time, time))


def test_guidance_moves_samples_to_the_target() -> None:
    learner = make_objective("flow", "sample", (1, 3)).double()
    assert isinstance(learner, Denoiser)
    draws = torch.Generator().manual_seed(0)
    noise = torch.randn(4000, 1, 3, generator=draws, dtype=torch.float64)
    target, weights = (values.expand(4000, 1, 3) for values in (TARGET, WEIGHTS.round()))

    def network(x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        return network_of(learner, x, t)

    guided = GuidedNetwork(network, learner, target, weights, exact=True)
    plain, pulled = (
        learner.sample(each, torch.zeros(4000, 1), lambda: noise, "euler", 20)
        for each in (network, guided)
    )
    error = [(chunks - target)[..., 0].pow(2).mean().sqrt().item() for chunks in (plain, pulled)]
    assert error[1] < 0.25 * error[0]
    # Given the first number, the third is drawn from what is left: cov / var of the first.
    slope = COVARIANCE[0, 2] / COVARIANCE[0, 0]
    shift = (pulled - plain).mean(dim=(0, 1))
    assert shift[2].item() == pytest.approx(float(slope * shift[0]), abs=0.05)
