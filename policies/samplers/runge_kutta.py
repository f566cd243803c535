"""Runge-Kutta solvers of orders 2 and 4 on any time grid, for the fields of `ode`.

Every step costs the same number of evaluations, whatever the network predicts. A field made from
predictions of the clean chunk has no velocity at t = 1, where the last stage of Heun's step and of
the classical step lies. On such a field their last step is replaced by one that has as many
evaluations, keeps the order of the whole, and ends with an Euler step, which lands on the predicted
chunk (as Karras et al. 2022, arXiv 2206.00364, algorithm 1, lands on the denoiser's output).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from policies.samplers.grids import UNIFORM, grid_times
from policies.samplers.ode import Field

Step: TypeAlias = Callable[[Field, Tensor, float, float], Tensor]
"""``(field, x_t, t, t_next) -> x_t_next``."""


def midpoint(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` midpoint steps; error of order 2 in ``1 / steps``, two evaluations each.

    No stage lies at t = 1. See `policies.samplers.ode.euler` for the arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _midpoint_step, _midpoint_step)


def heun(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` of Heun's steps; error of order 2 in ``1 / steps``, two evaluations each.

    The last step towards predicted chunks is two Euler steps: one step with an error of order
    ``h^2`` leaves the order of the whole. See `policies.samplers.ode.euler` for the arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _heun_step, _two_euler_steps)


def rk4(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` classical Runge-Kutta steps; error of order 4, four evaluations each.

    The last step towards predicted chunks has an error of order ``h^4``, which leaves the order of
    the whole. See `policies.samplers.ode.euler` for the arguments.
    """
    return _solve(field, x, grid_times(grid, steps), _classical_step, _third_order_and_euler_step)


def _solve(
    field: Field, x: Tensor, times: tuple[float, ...], step: Step, singular_step: Step
) -> Tensor:
    """Go from time to time, over the last one by `singular_step` if it must be."""
    for t, t_next in pairwise(times):
        singular = field.singular_end and t_next == 1
        take = singular_step if singular else step
        x = take(field, x, t, t_next)
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
    """Take Heun's third-order step, then an Euler step as long as half the square of both.

    The first has an error of order ``h^4``, and so has the second, of order ``(h^2 / 2)^2``.
    """
    landing = t_next - (t_next - t) ** 2 / 2
    h = landing - t
    # Hairer, Norsett & Wanner 1993, table 1.1: nodes 0, 1/3, 2/3; weights 1/4, 0, 3/4
    k1 = field.velocity(x, t)
    k2 = field.velocity(torch.add(x, k1, alpha=h / 3), t + h / 3)
    k3 = field.velocity(torch.add(x, k2, alpha=2 * h / 3), t + 2 * h / 3)
    return field.euler_step(torch.add(x, k1 + 3 * k3, alpha=h / 4), landing, t_next)
