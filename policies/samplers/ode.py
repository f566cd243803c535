"""Velocity fields from noise (t = 0) to data (t = 1), and the Euler solver.

A solver is `solve(field, x, steps, grid) -> x`. It uses the velocities of the field, or its Euler
step, which a field made from predictions of the clean chunk computes without dividing by `1 - t`.
Solvers of higher order are in `policies.samplers.runge_kutta`.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from policies.samplers.grids import UNIFORM, grid_times
from policies.schedules import velocity_from_sample


class Field(Protocol):
    """A velocity field over `x_t` `(B, pred_horizon, act_dim)` and `t` in [0, 1].

    Attributes:
        singular_end: Whether the velocity is undefined at t = 1; `euler_step` can still end there.
    """

    singular_end: bool

    def velocity(self, x_t: Tensor, t: float) -> Tensor:
        """Return `dx/dt` at `x_t`, like `x_t`."""

    def euler_step(self, x_t: Tensor, t: float, t_next: float) -> Tensor:
        """Return `x_t + (t_next - t) * velocity(x_t, t)`, with one evaluation."""


class VelocityField:
    """The field of a function that predicts velocities.

    Args:
        predict: `(x_t, t) -> velocity`, like `x_t`.
    """

    singular_end = False

    def __init__(self, predict: Callable[[Tensor, float], Tensor]) -> None:
        self.velocity = predict

    def euler_step(self, x_t: Tensor, t: float, t_next: float) -> Tensor:
        """Return `x_t + (t_next - t) * velocity`."""
        return torch.add(x_t, self.velocity(x_t, t), alpha=t_next - t)


class SampleField:
    """The field of a function that predicts the clean chunk: `(actions_hat - x_t) / (1 - t)`.

    Args:
        predict: `(x_t, t) -> actions_hat`, like `x_t`.
    """

    singular_end = True

    def __init__(self, predict: Callable[[Tensor, float], Tensor]) -> None:
        self.predict = predict

    def velocity(self, x_t: Tensor, t: float) -> Tensor:
        """Return the velocity towards the predicted chunk.

        Raises:
            ValueError: `t` is 1, where the velocity is undefined; end with `euler_step` instead.
        """
        if t >= 1:
            raise ValueError(
                f"t is {t}; the velocity to a predicted chunk needs t < 1, end with an Euler step"
            )
        return velocity_from_sample(self.predict(x_t, t), x_t, t)

    def euler_step(self, x_t: Tensor, t: float, t_next: float) -> Tensor:
        """Move `x_t` the fraction `(t_next - t) / (1 - t)` of the way to `actions_hat`.

        At `t_next = 1` the fraction is 1 and the result is exactly `actions_hat`.
        """
        # x + (t' - t) (a - x) / (1 - t) = lerp(x, a, (t' - t) / (1 - t))
        return torch.lerp(x_t, self.predict(x_t, t), (t_next - t) / (1 - t))


def euler(field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
    """Take `steps` Euler steps `x_{t+h} = x_t + h * v(x_t, t)`: order 1, one evaluation each.

    Args:
        field: The velocity field.
        x: Noise `(B, pred_horizon, act_dim)` at t = 0; left unchanged.
        steps: Number of steps, at least 1.
        grid: The time grid, a key of `policies.samplers.grids.GRIDS`.

    Returns:
        The point at t = 1, like `x`.
    """
    times = grid_times(grid, steps)
    for t, t_next in pairwise(times):
        # Lipman et al. 2024 (arXiv 2412.06264), eq. 2.8: x_{t+h} = x_t + h u_t(x_t)
        x = field.euler_step(x, t, t_next)
    return x
