"""DPM-Solver++(2M) against the scheduler of diffusers and against closed forms."""

import math

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from policies.objectives import make_objective
from policies.samplers.ddim import Ddim
from policies.samplers.dpmpp import Dpmpp2M
from policies.schedules import (
    DIFFUSION_PREDICTIONS,
    alphas_cumprod,
    cosine_betas,
    v_from_sample,
)

POWERS = alphas_cumprod(cosine_betas(100))
NOISE = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def network(x_t: Tensor, k: int) -> Tensor:
    """A smooth nonlinear stand-in for a network that predicts the chunk."""
    return torch.sin(1.3 * x_t + 0.05 * k) * 0.9 + 0.1 * x_t


def as_prediction(prediction: str, x_t: Tensor, k: int) -> Tensor:
    """The output of `network`, converted to another prediction type."""
    alpha, sigma = POWERS[k].sqrt().item(), (1 - POWERS[k]).sqrt().item()
    sample = network(x_t, k)
    if prediction == "sample":
        return sample
    if prediction == "epsilon":
        return (x_t - alpha * sample) / sigma
    return v_from_sample(sample, x_t, alpha, sigma)


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 10, 20, 25, 50, 100])
@pytest.mark.parametrize("prediction", ["sample", "v_prediction"])
def test_dpmpp_equals_diffusers_at_every_step(steps: int, prediction: str) -> None:
    theirs = DPMSolverMultistepScheduler(
        num_train_timesteps=100,
        beta_schedule="squaredcos_cap_v2",
        prediction_type=prediction,
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="trailing",
    )
    theirs.set_timesteps(steps)
    ours = Dpmpp2M(POWERS, prediction, steps, clip_sample=False)
    assert theirs.timesteps.tolist() == list(ours.timesteps)
    x_ours = x_theirs = NOISE.float()
    previous = None
    for index, k in enumerate(ours.timesteps):
        x_theirs = theirs.step(network(x_theirs, k), k, x_theirs).prev_sample
        sample = ours.sample(index, network(x_ours, k), x_ours)
        x_ours, previous = ours.step(index, sample, previous, x_ours), sample
        torch.testing.assert_close(x_ours, x_theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prediction", DIFFUSION_PREDICTIONS)
@pytest.mark.parametrize("clip", [True, False])
def test_all_predictions_follow_the_same_path(prediction: str, clip: bool) -> None:
    runs = [
        Dpmpp2M(POWERS, name, 10, clip).run(
            lambda x_t, k, name=name: as_prediction(name, x_t, k), lambda: NOISE
        )
        for name in ("sample", prediction)
    ]
    torch.testing.assert_close(runs[0], runs[1], atol=1e-8, rtol=0)
    assert not clip or runs[0].abs().max() <= 1


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 30, 100])
def test_dpmpp_ends_at_a_perfect_prediction(steps: int) -> None:
    actions = NOISE.tanh()
    landed = Dpmpp2M(POWERS, "sample", steps).run(lambda x_t, k: actions, lambda: NOISE)
    assert torch.equal(landed, actions)


def test_dpmpp_is_more_accurate_than_ddim() -> None:
    # Normal actions with deviation 0.5: the exact flow scales noise of this schedule by 0.5.
    def predict(x_t: Tensor, k: int) -> Tensor:
        power = POWERS[k].item()
        return math.sqrt(power) * 0.25 / (power * 0.25 + 1 - power) * x_t

    one = torch.ones(1, 1, 1, dtype=torch.float64)
    errors = np.array(
        [
            [abs(build(POWERS, "sample", n, False).run(predict, lambda: one).item() - 0.5)
             for n in (5, 10, 20)]
            for build in (Dpmpp2M, Ddim)
        ]
    )  # fmt: skip
    assert (errors[0] < errors[1]).all()


def test_the_network_is_evaluated_once_per_step() -> None:
    times: list[float] = []

    def spy(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        times.append(time[0].item())
        return 0.5 * noisy_actions

    objective = make_objective("diffusion", "sample", (7, 5))
    objective.sample(spy, torch.zeros(3, 2), lambda: NOISE.float(), "dpmpp_2m", 6)
    assert len(times) == 6
    assert times == sorted(times)
