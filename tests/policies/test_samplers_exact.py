"""Euler, DDIM, DDPM and DPM-Solver++ against closed forms."""

import numpy as np
import pytest
import torch
from torch import Tensor

from policies.samplers.ddim import Ddim, trailing_timesteps
from policies.samplers.ddpm import Ddpm
from policies.samplers.dpmpp import Dpmpp2M
from policies.samplers.ode import SampleField, VelocityField, euler
from policies.schedules import alphas_cumprod, cosine_betas
from tests.policies.linear_gaussian import COVARIANCE, MEAN, POINTS, moments, optimal_sample

POWERS = alphas_cumprod(cosine_betas(100))


def test_euler_is_exact_in_one_step_on_a_constant_field() -> None:
    x = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    field = VelocityField(lambda x_t, t: torch.full_like(x_t, 0.75))
    torch.testing.assert_close(euler(field, x, 1), x + 0.75, rtol=0, atol=1e-15)
    torch.testing.assert_close(euler(field, x, 13), x + 0.75)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 49, 100])
def test_euler_ends_exactly_at_the_predicted_chunk(steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    actions, x = torch.randn(2, 3, 7, 5, generator=generator)
    assert torch.equal(euler(SampleField(lambda x_t, t: actions), x, steps), actions)


def test_sample_field_follows_the_same_path_as_its_velocity() -> None:
    x = torch.randn(3, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    field = SampleField(lambda x_t, t: optimal_sample(x_t, t, 1 - t))
    torch.testing.assert_close(euler(field, x, 9), euler(VelocityField(field.velocity), x, 9))
    with pytest.raises(ValueError, match=r"t is 1\.0; .* needs t < 1"):
        field.velocity(x, 1.0)


def test_euler_reaches_the_target_mean_and_covariance() -> None:
    field = SampleField(lambda x_t, t: optimal_sample(x_t, t, 1 - t))
    mean, covariance = moments(euler(field, POINTS, 2000))
    torch.testing.assert_close(mean, MEAN, atol=1e-3, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=1e-3, rtol=0)


def test_euler_has_order_one() -> None:
    # dx/dt = -2 t x has the solution x(1) = x(0) / e.
    field = VelocityField(lambda x_t, t: -2 * t * x_t)
    counts = np.array([8, 16, 32, 64, 128])
    x = torch.ones(1, 1, 1, dtype=torch.float64)
    errors = [abs(euler(field, x, int(steps)).item() - np.exp(-1)) for steps in counts]
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("sampler", [Ddim, Dpmpp2M])
def test_ddim_and_dpmpp_reach_the_target_mean_and_covariance(
    sampler: type[Ddim] | type[Dpmpp2M],
) -> None:
    process = sampler(POWERS, "sample", 100, clip_sample=False)

    def predict(x_t: Tensor, k: int) -> Tensor:
        return optimal_sample(x_t, POWERS[k].sqrt().item(), (1 - POWERS[k]).sqrt().item())

    mean, covariance = moments(process.run(predict, lambda: POINTS))
    torch.testing.assert_close(mean, MEAN, atol=0.01, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=0.03, rtol=0)


def test_ddpm_reaches_the_target_mean_and_covariance() -> None:
    ddpm = Ddpm(POWERS, "sample", 100, clip_sample=False)
    generator = torch.Generator().manual_seed(0)

    def predict(x_t: Tensor, k: int) -> Tensor:
        return optimal_sample(x_t, POWERS[k].sqrt().item(), (1 - POWERS[k]).sqrt().item())

    def noise() -> Tensor:
        return torch.randn(20_000, 1, 3, generator=generator, dtype=torch.float64)

    x = ddpm.run(predict, noise)[:, 0]
    torch.testing.assert_close(x.mean(0), MEAN, atol=0.02, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), COVARIANCE, atol=0.03, rtol=0)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 30, 64, 99, 100])
def test_ddim_visits_distinct_steps_and_ends_at_a_perfect_prediction(steps: int) -> None:
    actions, noise = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(0)) - 0.5
    ddim = Ddim(POWERS, "sample", steps)
    assert ddim.timesteps[0] == 99
    assert (np.diff(ddim.timesteps) < 0).all()
    assert len(ddim.timesteps) == steps
    assert torch.equal(ddim.run(lambda x_t, k: actions, lambda: noise), actions)


def test_samplers_reject_invalid_step_counts() -> None:
    with pytest.raises(ValueError, match="steps is 101; give 1 to 100"):
        trailing_timesteps(100, 101)
    with pytest.raises(ValueError, match="steps is 99; DDPM takes exactly the 100 training steps"):
        Ddpm(POWERS, "sample", 99)
