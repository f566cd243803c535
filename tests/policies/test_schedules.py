"""Noise schedule and conversions, against closed forms and diffusers."""

import itertools
import math

import numpy as np
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


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_all_pairs_convert_over_the_whole_time_range(
    pair: Pair, path: str, as_tensor: bool
) -> None:
    for t in TIMES:
        alpha, sigma = map(float, PATHS[path](t))
        actions, noise = pair
        x_t = alpha * actions + sigma * noise
        exact = quantities(actions, noise, alpha, sigma)
        scalars = [torch.full((3, 1, 1), a, dtype=x_t.dtype) if as_tensor else a
                   for a in (alpha, sigma)]  # fmt: skip
        for given, wanted in itertools.product(QUANTITIES, repeat=2):
            # The only exceptions: pure noise with nothing said of the chunk, and pure data with
            # nothing said of the noise. What is lost there is 0, in every quantity.
            expected = exact[wanted]
            if given != wanted and alpha == 0 and given == "epsilon":
                expected = quantities(torch.zeros_like(noise), noise, alpha, sigma)[wanted]
            if given != wanted and sigma == 0 and given == "sample":
                expected = quantities(actions, torch.zeros_like(noise), alpha, sigma)[wanted]
            found = schedules.convert(given, wanted, exact[given], x_t, *scalars)
            # x_t is rounded to 1e-16; to find a part of it is to divide by the part's amplitude.
            part = {"epsilon": alpha, "sample": sigma}
            atol = 1e-14 / max(part.get(given, 1.0), 1e-14)
            torch.testing.assert_close(found, expected, atol=atol, rtol=1e-13)
            back = schedules.convert(wanted, given, found, x_t, *scalars)
            assert back.isfinite().all()
            if part.get(wanted, 1.0) > 0:
                atol += 1e-14 / part.get(wanted, 1.0)
                torch.testing.assert_close(back, exact[given], atol=atol, rtol=1e-13)


def test_named_conversions_agree_with_one_another_at_the_ends(pair: Pair) -> None:
    actions, noise = pair
    for t, x_t, sample, epsilon in [
        (0.0, noise, torch.zeros_like(noise), noise),  # the chunk is lost
        (1.0, actions, actions, torch.zeros_like(actions)),  # the noise is lost
    ]:
        for scale in (float, lambda a: torch.full((3, 1, 1), a, dtype=torch.float64)):
            time, alpha, sigma = scale(t), scale(t), scale(1 - t)
            exact = quantities(sample, epsilon, t, 1 - t)
            if t == 1:
                found = {
                    "epsilon": schedules.epsilon_from_sample(sample, x_t, alpha, sigma),
                    "v_prediction": schedules.v_from_sample(sample, x_t, alpha, sigma),
                    "velocity": schedules.velocity_from_sample(sample, x_t, time),
                }
            else:
                found = {
                    "sample": schedules.sample_from_epsilon(epsilon, x_t, alpha, sigma),
                    "v_prediction": schedules.v_from_epsilon(epsilon, x_t, alpha, sigma),
                    "velocity": schedules.velocity_from_epsilon(epsilon, x_t, time),
                }
            for name, value in found.items():
                torch.testing.assert_close(value, exact[name], atol=0, rtol=0)
            back = schedules.sample_from_velocity(found["velocity"], x_t, time)
            assert torch.equal(back, sample)
            assert torch.equal(
                schedules.epsilon_from_velocity(found["velocity"], x_t, time), epsilon
            )


def test_named_conversions_are_those_of_the_general_one(pair: Pair) -> None:
    actions, noise = pair
    alpha, sigma = 0.6, 0.8
    x_t = alpha * actions + sigma * noise
    exact = quantities(actions, noise, alpha, sigma)
    for name, convert in [
        ("sample_from_epsilon", schedules.sample_from_epsilon),
        ("epsilon_from_sample", schedules.epsilon_from_sample),
        ("v_from_sample", schedules.v_from_sample),
        ("v_from_epsilon", schedules.v_from_epsilon),
        ("sample_from_v", schedules.sample_from_v),
        ("epsilon_from_v", schedules.epsilon_from_v),
    ]:
        wanted, given = (w.replace("v", "v_prediction") if w == "v" else w
                         for w in name.split("_from_"))  # fmt: skip
        named = convert(exact[given], x_t, alpha, sigma)
        assert_near(named, schedules.convert(given, wanted, exact[given], x_t, alpha, sigma))


def test_unknown_quantities_are_refused(pair: Pair) -> None:
    with pytest.raises(ValueError, match=r"Unknown quantity 'velocty'\. Did you mean 'velocity'"):
        schedules.convert("sample", "velocty", *pair, 0.6, 0.8)


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
