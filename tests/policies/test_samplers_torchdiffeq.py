"""Solvers of velocity fields against those of torchdiffeq."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from policies.samplers import load_sampler
from policies.samplers.dormand_prince import rk45
from policies.samplers.grids import GRIDS, grid_times
from policies.samplers.ode import VelocityField

X = torch.randn(5, 7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
NAMES = {"euler": "euler", "midpoint": "midpoint", "heun": "heun2"}


def velocity(x_t: Tensor, t: Tensor | float) -> Tensor:
    """A smooth, nonlinear, time-dependent field; t is a number or (B, 1, 1)."""
    return torch.sin(2 * x_t + 3 * t) - 0.5 * x_t * t


def theirs(method: str, times: tuple[float, ...], **options: float) -> Tensor:
    """The solution of torchdiffeq at t = 1."""
    grid = torch.tensor(times, dtype=torch.float64)
    path: Tensor = odeint(lambda t, x: velocity(x, t), X, grid, method=method, **options)
    return path[-1]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [1, 3, 16])
def test_solvers_take_the_same_steps_on_every_grid(name: str, steps: int, grid: str) -> None:
    ours = load_sampler(name)(VelocityField(velocity), X, steps, grid)
    torch.testing.assert_close(
        ours, theirs(NAMES[name], grid_times(grid, steps)), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("grid", GRIDS)
def test_rk4_finds_the_same_solution_on_every_grid(grid: str) -> None:
    # Theirs is the 3/8 rule, another method of order 4: solutions agree, steps do not.
    ours = load_sampler("rk4")(VelocityField(velocity), X, 40, grid)
    torch.testing.assert_close(ours, theirs("rk4", grid_times(grid, 40)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("tolerance", [1e-7, 1e-9])
def test_rk45_finds_the_same_solution_as_their_dopri5(tolerance: float) -> None:
    ours = rk45(lambda x, t, active: velocity(x, t[:, None, None]), X, tolerance, tolerance)
    dopri5 = theirs("dopri5", (0.0, 1.0), rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(ours, dopri5, atol=1e-5, rtol=0)
    exact = theirs("dopri5", (0.0, 1.0), rtol=1e-12, atol=1e-12)
    errors = [float((solution - exact).abs().max()) for solution in (ours, dopri5)]
    assert max(errors) < 30 * tolerance


def test_rk45_costs_about_as_much_as_their_dopri5() -> None:
    calls = {"ours": 0, "theirs": 0}

    def ours(x: Tensor, t: Tensor, active: Tensor) -> Tensor:
        calls["ours"] += int(active.any())
        return velocity(x, t[:, None, None])

    def same(t: Tensor, x: Tensor) -> Tensor:
        calls["theirs"] += 1
        return velocity(x, t)

    one = X[:1]
    rk45(ours, one, 1e-6, 1e-6)
    odeint(same, one, torch.tensor([0.0, 1.0]).double(), method="dopri5", rtol=1e-6, atol=1e-6)
    assert abs(np.log(calls["ours"] / calls["theirs"])) < np.log(1.5), calls
