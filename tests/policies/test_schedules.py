"""Noise schedules and conversions, against closed forms and diffusers."""

import itertools
import math

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddpm import betas_for_alpha_bar
from torch import Tensor

from policies import schedules
from policies.catalogue import OPTIONS

SHAPE = (3, 7, 5)
Pair = tuple[Tensor, Tensor]


def assert_near(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-9, rtol=1e-9)


@pytest.fixture
def pair() -> Pair:
    generator = torch.Generator().manual_seed(0)
    actions, noise = torch.randn(2, *SHAPE, generator=generator, dtype=torch.float64)
    return actions, noise


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_cosine_betas_equal_diffusers(steps: int) -> None:
    ours = schedules.cosine_betas(steps)
    torch.testing.assert_close(ours.float(), betas_for_alpha_bar(steps), atol=1e-7, rtol=0)


@pytest.mark.parametrize("steps", [21, 100, 1000])
def test_linear_betas_equal_diffusers(steps: int) -> None:
    scale = 1000 / steps
    theirs = DDPMScheduler(steps, 1e-4 * scale, 0.02 * scale, "linear")
    ours = schedules.linear_betas(steps)
    torch.testing.assert_close(ours.float(), theirs.betas, atol=1e-7, rtol=0)
    powers = schedules.alphas_cumprod(ours)
    torch.testing.assert_close(powers.float(), theirs.alphas_cumprod, atol=1e-6, rtol=1e-4)


def test_the_linear_schedule_ends_at_noise_for_any_number_of_steps() -> None:
    ends = {n: float(schedules.alphas_cumprod(schedules.linear_betas(n))[-1]) for n in (100, 1000)}
    assert ends[1000] == pytest.approx(4.04e-5, rel=0.01)  # Ho et al.'s own
    assert ends[100] == pytest.approx(2.0e-5, rel=0.1)
    assert 0 < float(schedules.alphas_cumprod(schedules.linear_betas(21))[-1]) < 1e-3
    assert tuple(schedules.SCHEDULES) == OPTIONS["schedule"]
    for steps in (0, 1, 20):
        with pytest.raises(ValueError, match=f"steps is {steps}; .* has at least 21"):
            schedules.linear_betas(steps)


@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_a_schedule_has_values_where_a_policy_is_built_without_them(schedule: str) -> None:
    expected = schedules.SCHEDULES[schedule](30)
    with torch.device("meta"):
        assert torch.equal(schedules.SCHEDULES[schedule](30), expected)


def test_alphas_cumprod_follow_the_cosine_until_clipped() -> None:
    powers = schedules.alphas_cumprod(schedules.cosine_betas(100))
    start = schedules.cosine_alpha_bar(0.0)
    exact = [schedules.cosine_alpha_bar((k + 1) / 100) / start for k in range(99)]
    torch.testing.assert_close(powers[:99], torch.tensor(exact, dtype=torch.float64))
    assert (powers.diff() < 0).all()
    assert 0 < powers[-1] < 1e-5


QUANTITIES = ("sample", "epsilon", "v_prediction", "velocity")
TIMES = [0.0, 1e-12, 1e-6, 1e-3, *np.linspace(0.05, 0.95, 19), 0.999, 1 - 1e-6, 1 - 1e-12, 1.0]
PATHS = {
    "straight": lambda t: (t, 1 - t),
    "variance-preserving": lambda t: (math.sin(t * math.pi / 2), math.sin((1 - t) * math.pi / 2)),
}


def quantities(actions: Tensor, noise: Tensor, alpha: float, sigma: float) -> dict[str, Tensor]:
    """The four quantities by their definitions."""
    values = (actions, noise, alpha * noise - sigma * actions, actions - noise)
    return dict(zip(QUANTITIES, values, strict=True))


def convert(
    source: str, target: str, value: Tensor, x_t: Tensor, alpha: float, sigma: float
) -> Tensor:
    """The oracle: any quantity from any other, on any path; undetermined quantities are 0."""
    weights = {
        "sample": (1.0, 0.0),
        "epsilon": (0.0, 1.0),
        "v_prediction": (-sigma, alpha),
        "velocity": (1.0, -1.0),
    }
    if source == target:
        return value
    # x_t = alpha * sample + sigma * noise and value = of_sample * sample + of_noise * noise, two
    # equations solved by Cramer's rule
    of_sample, of_noise = weights[source]
    to_sample, to_noise = weights[target]
    determinant = alpha * of_noise - sigma * of_sample
    sample = noise = torch.zeros_like(x_t)
    if determinant:
        sample = (of_noise * x_t - sigma * value) / determinant
        noise = (alpha * value - of_sample * x_t) / determinant
    sample = value if source == "sample" else sample
    noise = value if source == "epsilon" else noise
    return to_sample * sample + to_noise * noise


@pytest.mark.parametrize("path", PATHS)
def test_the_oracle_converts_over_the_complete_time_range(pair: Pair, path: str) -> None:
    for t in TIMES:
        alpha, sigma = map(float, PATHS[path](t))
        actions, noise = pair
        x_t = alpha * actions + sigma * noise
        exact = quantities(actions, noise, alpha, sigma)
        for source, target in itertools.product(QUANTITIES, repeat=2):
            # The only exceptions: pure noise does not determine the chunk, and pure data do not
            # determine the noise. The undetermined quantity is 0.
            expected = exact[target]
            if source != target and alpha == 0 and source == "epsilon":
                expected = quantities(torch.zeros_like(noise), noise, alpha, sigma)[target]
            if source != target and sigma == 0 and source == "sample":
                expected = quantities(actions, torch.zeros_like(noise), alpha, sigma)[target]
            converted = convert(source, target, exact[source], x_t, alpha, sigma)
            # x_t is rounded to 1e-16, and the conversion divides by an amplitude.
            atol = 1e-14 / max({"epsilon": alpha, "sample": sigma}.get(source, 1.0), 1e-14)
            torch.testing.assert_close(converted, expected, atol=atol, rtol=1e-13)


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_v_and_velocity_from_a_chunk_equal_the_oracle(
    pair: Pair, path: str, as_tensor: bool
) -> None:
    def scalar(value: float) -> float | Tensor:
        return torch.full((3, 1, 1), value, dtype=torch.float64) if as_tensor else value

    for t in TIMES:
        alpha, sigma = map(float, PATHS[path](t))
        actions, noise = pair
        x_t = alpha * actions + sigma * noise
        if path == "straight":
            converted = schedules.velocity_from_sample(actions, x_t, scalar(t))
            target, limit = "velocity", actions
        else:
            converted = schedules.v_from_sample(actions, x_t, scalar(alpha), scalar(sigma))
            target, limit = "v_prediction", torch.zeros_like(noise)
        expected = convert("sample", target, actions, x_t, alpha, sigma)
        atol = 1e-14 / max(sigma, 1e-14)
        torch.testing.assert_close(converted, expected, atol=atol, rtol=1e-12)
        if sigma == 0:  # the noise is undetermined
            assert torch.equal(converted, limit)


@pytest.mark.parametrize("prediction", schedules.DIFFUSION_PREDICTIONS)
@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_prediction_coefficients_equal_the_oracle_at_every_step(
    schedule: str, prediction: str, pair: Pair
) -> None:
    actions, noise = pair
    for power in schedules.alphas_cumprod(schedules.SCHEDULES[schedule](100)).tolist():
        alpha, sigma = math.sqrt(power), math.sqrt(1 - power)
        x_t = alpha * actions + sigma * noise
        output = quantities(actions, noise, alpha, sigma)[prediction]
        c = schedules.prediction_coefficients(prediction, alpha, sigma)
        for target, of_x, of_output in (
            ("sample", c.sample_x, c.sample_output),
            ("epsilon", c.epsilon_x, c.epsilon_output),
        ):
            expected = convert(prediction, target, output, x_t, alpha, sigma)
            assert_near(of_x * x_t + of_output * output, expected)


@pytest.mark.parametrize("prediction", schedules.DIFFUSION_PREDICTIONS)
def test_prediction_coefficients_recover_sample_and_epsilon(pair: Pair, prediction: str) -> None:
    actions, noise = pair
    alpha, sigma = 0.6, 0.8
    x_t = alpha * actions + sigma * noise
    output = {
        "sample": actions,
        "epsilon": noise,
        "v_prediction": alpha * noise - sigma * actions,
    }[prediction]
    c = schedules.prediction_coefficients(prediction, alpha, sigma)
    torch.testing.assert_close(c.sample_x * x_t + c.sample_output * output, actions)
    torch.testing.assert_close(c.epsilon_x * x_t + c.epsilon_output * output, noise)


def test_unknown_predictions_are_rejected_with_a_near_match() -> None:
    with pytest.raises(ValueError, match="did you mean v_prediction"):
        schedules.prediction_coefficients("v_predict", 0.6, 0.8)
