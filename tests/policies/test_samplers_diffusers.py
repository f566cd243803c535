"""DDPM and DDIM step by step against the schedulers of diffusers, with the same noise."""

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from policies.samplers.ddim import Ddim
from policies.samplers.ddpm import Ddpm
from policies.schedules import DIFFUSION_PREDICTIONS, SCHEDULES, alphas_cumprod

POWERS = {name: alphas_cumprod(betas(100)) for name, betas in SCHEDULES.items()}
THEIR_BETAS: dict[str, dict[str, object]] = {
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "linear": {"beta_schedule": "linear", "beta_start": 1e-3, "beta_end": 0.2},
}
SHAPE = (3, 7, 5)


def scheduler_options(schedule: str, prediction: str, clip: bool) -> dict[str, object]:
    return {
        **THEIR_BETAS[schedule],
        "num_train_timesteps": 100,
        "prediction_type": prediction,
        "clip_sample": clip,
        "timestep_spacing": "trailing",
    }


def network(x_t: Tensor, k: int) -> Tensor:
    """A smooth nonlinear stand-in for a network."""
    return torch.sin(1.3 * x_t + 0.05 * k) * 0.9 + 0.1 * x_t


def normals(dtype: torch.dtype) -> Tensor:
    return torch.randn(101, *SHAPE, generator=torch.Generator().manual_seed(3), dtype=dtype)


# Without clipping, the first step of "epsilon" divides by alpha = 5e-4, where float32 is too
# inaccurate: the comparison is made in float64 on a common table.
CASES = [(torch.float32, True), (torch.float64, True), (torch.float64, False)]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("prediction", DIFFUSION_PREDICTIONS)
@pytest.mark.parametrize(("dtype", "clip"), CASES)
@pytest.mark.parametrize("steps", [1, 2, 4, 5, 10, 25, 100])
def test_ddim_equals_diffusers_at_every_step(
    steps: int, dtype: torch.dtype, clip: bool, prediction: str, schedule: str
) -> None:
    theirs = DDIMScheduler(**scheduler_options(schedule, prediction, clip), set_alpha_to_one=True)
    theirs.set_timesteps(steps)
    if dtype == torch.float64:
        theirs.alphas_cumprod = POWERS[schedule]
    ours = Ddim(POWERS[schedule], prediction, steps, clip)
    assert theirs.timesteps.tolist() == list(ours.timesteps)
    x_ours = x_theirs = normals(dtype)[0]
    for index, k in enumerate(ours.timesteps):
        x_theirs = theirs.step(network(x_theirs, k), k, x_theirs).prev_sample
        x_ours = ours.step(index, network(x_ours, k), x_ours)
        torch.testing.assert_close(x_ours, x_theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("prediction", DIFFUSION_PREDICTIONS)
@pytest.mark.parametrize(("dtype", "clip"), CASES)
def test_ddpm_equals_diffusers_at_every_step(
    dtype: torch.dtype, clip: bool, prediction: str, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = DDPMScheduler(**scheduler_options(schedule, prediction, clip))
    theirs.set_timesteps(100)
    if dtype == torch.float64:
        theirs.alphas_cumprod = POWERS[schedule]
    draws = normals(dtype)
    step = 0
    monkeypatch.setattr(
        "diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *args, **kwargs: draws[step]
    )
    ours = Ddpm(POWERS[schedule], prediction, 100, clip)
    x_ours = x_theirs = draws[100]
    for step, k in enumerate(ours.timesteps):
        noise = draws[step] if k > 0 else None
        x_theirs = theirs.step(network(x_theirs, k), k, x_theirs).prev_sample
        x_ours = ours.step(step, network(x_ours, k), x_ours, noise)
        torch.testing.assert_close(x_ours, x_theirs, atol=1e-5, rtol=1e-5)


def test_ddpm_run_draws_once_per_step() -> None:
    draws = iter(normals(torch.float32)[:100])
    Ddpm(POWERS["cosine"], "sample", 100).run(network, lambda: next(draws))
    assert next(draws, None) is None
