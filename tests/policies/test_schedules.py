"""Noise schedule and conversions, against closed forms and diffusers."""

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddpm import betas_for_alpha_bar
from torch import Tensor

from policies import schedules
from policies.objectives.options import CHOICES

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


def test_the_linear_schedule_ends_at_noise_whatever_the_steps() -> None:
    ends = {n: float(schedules.alphas_cumprod(schedules.linear_betas(n))[-1]) for n in (100, 1000)}
    assert ends[1000] == pytest.approx(4.04e-5, rel=0.01)  # Ho et al.'s own
    assert ends[100] == pytest.approx(2.0e-5, rel=0.1)
    assert 0 < float(schedules.alphas_cumprod(schedules.linear_betas(21))[-1]) < 1e-3
    assert tuple(schedules.SCHEDULES) == CHOICES["schedule"]
    for steps in (0, 1, 20):
        with pytest.raises(ValueError, match=f"at least 21 steps, not {steps}"):
            schedules.linear_betas(steps)


def test_alphas_cumprod_follow_the_cosine_until_clipped() -> None:
    powers = schedules.alphas_cumprod(schedules.cosine_betas(100))
    start = schedules.cosine_alpha_bar(0.0)
    exact = [schedules.cosine_alpha_bar((k + 1) / 100) / start for k in range(99)]
    torch.testing.assert_close(powers[:99], torch.tensor(exact, dtype=torch.float64))
    assert (powers.diff() < 0).all()
    assert 0 < powers[-1] < 1e-5


@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_variance_preserving_conversions_round_trip_over_all_steps(
    schedule: str, pair: Pair
) -> None:
    actions, noise = pair
    for power in schedules.alphas_cumprod(schedules.SCHEDULES[schedule](100)):
        alpha, sigma = power.sqrt(), (1 - power).sqrt()
        x_t = alpha * actions + sigma * noise
        v = alpha * noise - sigma * actions
        epsilon = schedules.epsilon_from_sample(actions, x_t, alpha, sigma)
        assert_near(epsilon, noise)
        sample = schedules.sample_from_epsilon(noise, x_t, alpha, sigma)
        assert_near(sample, actions)
        assert_near(schedules.sample_from_v(v, x_t, alpha, sigma), actions)
        assert_near(schedules.epsilon_from_v(v, x_t, alpha, sigma), noise)
        assert_near(schedules.v_from_sample(actions, x_t, alpha, sigma), v)
        assert_near(schedules.v_from_epsilon(noise, x_t, alpha, sigma), v)


@pytest.mark.parametrize("t", [0.0, 1e-3, 0.3, 0.5, 0.999, 1.0])
def test_flow_conversions_round_trip_exact_at_the_ends(pair: Pair, t: float) -> None:
    actions, noise = pair
    x_t = (1 - t) * noise + t * actions
    velocity = actions - noise
    assert_near(schedules.sample_from_velocity(velocity, x_t, t), actions)
    assert_near(schedules.epsilon_from_velocity(velocity, x_t, t), noise)
    if t < 1:
        assert_near(schedules.velocity_from_sample(actions, x_t, t), velocity)
    else:
        assert torch.equal(schedules.sample_from_velocity(velocity, x_t, t), x_t)
    if t > 0:
        assert_near(schedules.velocity_from_epsilon(noise, x_t, t), velocity)
    else:
        assert torch.equal(schedules.epsilon_from_velocity(velocity, x_t, t), x_t)


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


def test_prediction_coefficients_name_the_known_predictions() -> None:
    with pytest.raises(ValueError, match="Did you mean 'v_prediction'"):
        schedules.prediction_coefficients("v_predict", 0.6, 0.8)
