"""Solvers of all orders against closed forms."""

import numpy as np
import pytest
import torch
from torch import Tensor

from policies.catalogue import POLICIES, SAMPLERS
from policies.objectives import make_objective
from policies.samplers import load_sampler
from policies.samplers.grids import GRIDS
from policies.samplers.ode import SampleField, VelocityField
from policies.samplers.steps import StepLimits
from tests.policies.linear_gaussian import (
    COVARIANCE,
    MEAN,
    POINTS,
    exact_flow,
    moments,
    optimal_sample,
    optimal_velocity,
)

SOLVERS = {name: load_sampler(name) for name in ("euler", "midpoint", "heun", "rk4")}
ORDERS = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4}
FIELDS = {
    "sample": SampleField(lambda x_t, t: optimal_sample(x_t, t, 1 - t)),
    "velocity": VelocityField(optimal_velocity),
}


def fitted_order(counts: list[int], errors: list[float]) -> float:
    return float(-np.polyfit(np.log(counts), np.log(errors), 1)[0])


def test_every_solver_has_an_order() -> None:
    assert set(ORDERS) == set(SOLVERS)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("steps", [1, 13])
def test_constant_fields_are_exact_in_any_number_of_steps(name: str, steps: int, grid: str) -> None:
    x = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = x.clone()
    field = VelocityField(lambda x_t, t: torch.full_like(x_t, 0.75))
    torch.testing.assert_close(SOLVERS[name](field, x, steps, grid), x + 0.75, rtol=0, atol=1e-14)
    assert torch.equal(x, before)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_solvers_end_at_a_constant_predicted_chunk(name: str, steps: int, grid: str) -> None:
    generator = torch.Generator().manual_seed(0)
    actions, x = torch.randn(2, 3, 7, 5, generator=generator)
    landed = SOLVERS[name](SampleField(lambda x_t, t: actions), x, steps, grid)
    torch.testing.assert_close(landed, actions, rtol=0, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_have_their_order_on_a_smooth_field(name: str, grid: str) -> None:
    # dx/dt = -(1 + t) x^2 with x(0) = 1 has the solution x(1) = 1 / 2.5.
    field = VelocityField(lambda x_t, t: -(1 + t) * x_t**2)
    counts = [16, 32, 64, 128]
    x = torch.ones(1, 1, 1, dtype=torch.float64)
    errors = [abs(SOLVERS[name](field, x, steps, grid).item() - 0.4) for steps in counts]
    assert fitted_order(counts, errors) == pytest.approx(ORDERS[name], abs=0.15)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("prediction", FIELDS)
@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_keep_their_order_up_to_the_data(name: str, prediction: str, grid: str) -> None:
    counts = [32, 64, 128]
    errors = [
        float(
            (SOLVERS[name](FIELDS[prediction], POINTS, steps, grid) - exact_flow(POINTS))
            .abs()
            .max()
        )
        for steps in counts
    ]
    assert fitted_order(counts, errors) > ORDERS[name] - 0.25  # some have a higher order here


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("prediction", FIELDS)
@pytest.mark.parametrize(
    ("name", "steps", "atol"),
    [("euler", 200, 0.02), ("midpoint", 50, 1e-3), ("heun", 50, 3e-3), ("rk4", 30, 1e-4)],
)
def test_solvers_reach_the_target_mean_and_covariance(
    name: str, steps: int, atol: float, prediction: str, grid: str
) -> None:
    mean, covariance = moments(SOLVERS[name](FIELDS[prediction], POINTS, steps, grid))
    torch.testing.assert_close(mean, MEAN, atol=atol, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=atol, rtol=0)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_the_uniform_grid_has_equal_steps_bit_for_bit(name: str, steps: int) -> None:
    x, seen = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0)), []

    def velocity(x_t: Tensor, t: float) -> Tensor:
        seen.append(t)
        return torch.sin(x_t + t)

    expected = SOLVERS[name](VelocityField(velocity), x, steps)
    assert torch.equal(SOLVERS[name](VelocityField(velocity), x, steps, "uniform"), expected)
    assert {step / steps for step in range(steps)} <= set(seen)


@pytest.mark.parametrize("prediction", ["sample", "velocity"])
@pytest.mark.parametrize("name", [*SOLVERS, "heun:late", "rk4:early", "euler:cosine"])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_network_evaluations_are_steps_times_evaluations_per_step(
    name: str, prediction: str, steps: int
) -> None:
    times: list[float] = []

    def network(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        times.append(time[0].item())
        return 0.5 * noisy_actions

    objective = make_objective("flow", prediction, (7, 5))
    noise = torch.ones(3, 7, 5)
    chunk = objective.sample(network, torch.zeros(3, 2), lambda: noise, name, steps)
    assert chunk.isfinite().all()
    assert len(times) == steps * SAMPLERS[name.partition(":")[0]].limits.evaluations
    assert times[0] == 0
    assert max(times) < 1 or prediction == "velocity"


def test_limits_translate_evaluations_to_steps() -> None:
    limits = SAMPLERS["rk4"].limits
    assert [limits.steps_at(nfe) for nfe in (0, 3, 4, 6, 8)] == [None, None, 1, None, 2]
    assert limits.possible_nfe == "4 or more network evaluations, in multiples of 4"
    assert SAMPLERS["euler"].limits.possible_nfe == "1 or more network evaluations"
    assert StepLimits(5, highest=9, evaluations=2).possible_nfe == (
        "2 to 18 network evaluations, in multiples of 2"
    )
    nearest = POLICIES["knn"].limits["nearest"]
    assert (nearest.possible_nfe, nearest.steps_at(0)) == ("exactly 0 network evaluations", 1)
    assert nearest.steps_at(1) is None
    direct, ddpm = POLICIES["bc"].limits["direct"], POLICIES["diffusion"].limits["ddpm"]
    assert direct.possible_nfe == "exactly 1 network evaluation"
    assert ddpm.possible_nfe == "exactly 100 network evaluations"
    assert (ddpm.steps_at(100), ddpm.steps_at(99)) == (100, None)
