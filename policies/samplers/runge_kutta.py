"""Runge-Kutta solvers of orders 2 and 4 on any time grid, for the fields of `ode`.

Every step has the same number of evaluations for every prediction type. A field made from predicted
chunks has no velocity at t = 1, where the last stage of Heun's step and of the classical step would
evaluate it. For such a field the last step is replaced by one with the same number of evaluations
that keeps the order of the solver and ends with an Euler step, whose result is the predicted chunk
(compare Karras et al. 2022, arXiv 2206.00364, algorithm 1, which ends with the denoiser's output).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from policies.samplers.grids import UNIFORM, grid_times
from policies.samplers.ode import Field

Step: TypeAlias = Callable[[Field, Tensor, float, float], Tensor]
"""`(field, x_t, t, t_next) -> x_t_next`."""


def midpoint(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` midpoint steps: order 2, two evaluations each.

    `x_{t+h} = x_t + h * v(x_t + h / 2 * v(x_t, t), t + h / 2)`; no stage is at t = 1. See
    `policies.samplers.ode.euler` for the arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _midpoint_step, _midpoint_step)


def heun(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` steps of Heun's method: order 2, two evaluations each.

    `x_{t+h} = x_t + h / 2 * (v_0 + v_1)` with `v_0 = v(x_t, t)` and `v_1 = v(x_t + h v_0, t + h)`.
    With predicted chunks the last step is two Euler steps; a single step with an error of order
    `h^2` does not reduce the order of the solver. See `policies.samplers.ode.euler` for the
    arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _heun_step, _two_euler_steps)


def rk4(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` classical Runge-Kutta steps: order 4, four evaluations each.

    With predicted chunks the last step has an error of order `h^4`, which does not reduce the order
    of the solver. See `policies.samplers.ode.euler` for the arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _classical_step, _third_order_and_euler_step)


def _solve(
    field: Field, x: Tensor, times: tuple[float, ...], step: Step, singular_step: Step
) -> Tensor:
    """Step through `times`; the last step is `singular_step` if the field is singular there."""
    for t, t_next in pairwise(times):
        take_step = singular_step if field.singular_end and t_next == 1 else step
        x = take_step(field, x, t, t_next)
    return x


def _midpoint_step(field: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    # Hairer, Norsett & Wanner 1993, section II.1, table 1.1: Runge's method
    middle = (t + t_next) / 2
    return torch.add(x, field.velocity(field.euler_step(x, t, middle), middle), alpha=t_next - t)


def _heun_step(field: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    # Karras et al. 2022, algorithm 1, lines 4 to 8: the mean of the slopes at both ends
    first = field.velocity(x, t)
    last = field.velocity(torch.add(x, first, alpha=t_next - t), t_next)
    return torch.add(x, first + last, alpha=(t_next - t) / 2)


def _two_euler_steps(field: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    middle = (t + t_next) / 2
    return field.euler_step(field.euler_step(x, t, middle), middle, t_next)


def _classical_step(field: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    # Hairer, Norsett & Wanner 1993, table 1.2: nodes 0, 1/2, 1/2, 1; weights 1/6, 2/6, 2/6, 1/6
    h, middle = t_next - t, (t + t_next) / 2
    k1 = field.velocity(x, t)
    k2 = field.velocity(torch.add(x, k1, alpha=h / 2), middle)
    k3 = field.velocity(torch.add(x, k2, alpha=h / 2), middle)
    k4 = field.velocity(torch.add(x, k3, alpha=h), t_next)
    return torch.add(x, k1 + 2 * (k2 + k3) + k4, alpha=h / 6)


def _third_order_and_euler_step(field: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    """Take a third-order Heun step, then an Euler step of length `(t_next - t)^2 / 2`.

    Both have an error of order 4 in `t_next - t`.
    """
    landing = t_next - (t_next - t) ** 2 / 2
    h = landing - t
    # Hairer, Norsett & Wanner 1993, table 1.1: nodes 0, 1/3, 2/3; weights 1/4, 0, 3/4
    k1 = field.velocity(x, t)
    k2 = field.velocity(torch.add(x, k1, alpha=h / 3), t + h / 3)
    k3 = field.velocity(torch.add(x, k2, alpha=2 * h / 3), t + 2 * h / 3)
    return field.euler_step(torch.add(x, k1 + 3 * k3, alpha=h / 4), landing, t_next)
