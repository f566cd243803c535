"""An adaptive solver of order 5: every row takes the steps that its own tolerance asks for.

A row has its own time and its own step, so that its answer does not depend on the rows beside it.
The field is always evaluated for the whole batch; rows that have arrived are only carried along and
are not counted. Steps come out of a short list: networks round differently at different batch
sizes, and a step that followed their last digits would carry them into the answer.

Towards predicted chunks there is no velocity at t = 1. There a step covers at most `LONGEST_STEP`
of the way that is left, and a row that is near enough lands on the predicted chunk by an Euler step
without an evaluation of its own. Near enough means that the error of this step, estimated from the
change of the velocity over the step before, meets the same tolerance as every other step's. A row
that comes within `NEAREST` of t = 1 lands whatever the estimate says: then the predictions do not
settle, the path has no end, and no error is controlled.
"""

from collections.abc import Callable

import torch
from torch import Tensor

RowField = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``(x_t (B, Tp, act_dim), t (B,), active (B,)) -> velocity``, like ``x_t``; rows that are not
active may hold anything."""

# Hairer, Norsett & Wanner 1993, section II.5, table 5.2: Dormand & Prince's nodes and weights
NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
"""The last row leads to the result of order 5: the last stage is the next step's first (FSAL)."""
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""Weights of order 5 minus those of order 4."""

SAFETY, SLOWEST, FASTEST = 0.9, 0.2, 10.0
"""Of the step control: factors of one step to the next, section II.4, eq. 4.13."""
EXPONENT = 1 / 5
"""1 / (q + 1) with the order q = 4 of the error estimate."""
STEPS_PER_OCTAVE = 4
LONGEST_STEP = 0.9
NEAREST = 1e-6
MOST_STEPS = 1000
"""A row that has tried so many steps goes the rest of its way by one Euler step."""


def rk45(
    field: RowField, x: Tensor, rtol: float, atol: float, singular_end: bool = False
) -> Tensor:
    """Integrate from t = 0 to t = 1 by Dormand and Prince's pair of orders 5 and 4.

    A step is accepted if its error's root mean square over the row, in units of
    ``atol + rtol * |x|``, is at most 1; the result of order 5 goes on. Two evaluations choose the
    first step, every tried step takes six. A row whose error is not a number ends with NaN.

    Args:
        field: The velocity, row by row.
        x: Noise ``(B, pred_horizon, act_dim)`` at t = 0; left unchanged.
        rtol: Relative tolerance of one step.
        atol: Absolute tolerance of one step.
        singular_end: Whether there is no velocity at t = 1.

    Returns:
        The point at t = 1, like `x`.
    """
    rows = _Rows(field, x, rtol, atol, singular_end)
    for _ in range(MOST_STEPS):
        if not bool(rows.active.any()):
            return rows.x
        rows.advance()
    return torch.where(rows.active[:, None, None], rows.landed(), rows.x)


class _Rows:
    """Where each row is: point `x`, time `t`, velocity, next `step`, and whether it is `active`."""

    def __init__(
        self, field: RowField, x: Tensor, rtol: float, atol: float, singular_end: bool
    ) -> None:
        self.field, self.rtol, self.atol, self.singular_end = field, rtol, atol, singular_end
        self.x = x
        self.t = x.new_zeros(len(x), dtype=torch.float64)
        self.active = torch.ones_like(self.t, dtype=torch.bool)
        self.velocity = field(x, self.t, self.active)
        self.step = self._first_step()
        self.may_grow = torch.ones_like(self.active)

    def advance(self) -> None:
        """Try one step in every active row."""
        left = 1 - self.t
        last = (self.step >= left) & (not self.singular_end)
        longest = left * LONGEST_STEP if self.singular_end else left
        h = torch.minimum(self.step, longest)
        slopes = [self.velocity]
        for node, weights in zip(NODES, STAGES, strict=True):
            x = self.x + _times(h, _combined(weights, slopes))
            t = torch.where(last, 1.0, self.t + h) if node == 1 else self.t + node * h
            slopes.append(self.field(x, t, self.active))
        error = self._size(_times(h, _combined(ERROR, slopes)), x)
        lost = ~error.isfinite()
        accepted = self.active & ((error <= 1) | lost)
        # Hairer, Norsett & Wanner 1993, eq. 4.13; no growth right after a rejected step
        factor = (SAFETY * error.clamp(min=1e-10) ** -EXPONENT).clamp(SLOWEST, FASTEST)
        factor = torch.where(self.may_grow, factor, factor.clamp(max=1.0))
        self.step = torch.where(self.active, _rounded(h * factor), self.step)
        self.may_grow = accepted
        x = torch.where(lost[:, None, None], torch.nan, x)
        arrived = last | lost
        if self.singular_end:
            # x(1) - (x + h v) = h^2 / 2 x'' + O(h^3), with x'' = (v - v_before) / h_before
            bend = _times((1 - t) ** 2 / 2 / h, slopes[-1] - self.velocity)
            landing = x + _times(1 - t, slopes[-1])
            near = (self._size(bend, landing) <= 1) | (1 - t <= NEAREST)
            x = torch.where((near & accepted)[:, None, None], landing, x)
            arrived = near | lost
        taken = accepted[:, None, None]
        self.x = torch.where(taken, x, self.x)
        self.velocity = torch.where(taken, slopes[-1], self.velocity)
        self.t = torch.where(accepted, torch.where(arrived, 1.0, t), self.t)
        self.active = self.active & ~(accepted & arrived)

    def landed(self) -> Tensor:
        """Return where an Euler step over the rest of the way leads, without an evaluation."""
        return self.x + _times(1 - self.t, self.velocity)

    def _first_step(self) -> Tensor:
        """Return the first step of each row (Hairer, Norsett & Wanner 1993, section II.4)."""
        # "Starting step size", a) to f), with the order of the error estimate as p
        size, slope = self._size(self.x, self.x), self._size(self.velocity, self.x)
        small = (size < 1e-5) | (slope < 1e-5)
        probe = torch.where(small, 1e-6, 0.01 * size / slope.clamp(min=1e-5)).clamp(max=0.5)
        probe = _rounded(probe)
        x = self.x + _times(probe, self.velocity)
        bend = self._size(self.field(x, probe, self.active) - self.velocity, self.x) / probe
        steepest = torch.maximum(slope, bend)
        flat = torch.maximum(probe * 1e-3, torch.full_like(probe, 1e-6))
        step = torch.where(steepest <= 1e-15, flat, (0.01 / steepest.clamp(min=1e-15)) ** EXPONENT)
        return _rounded(torch.minimum(100 * probe, step))

    def _size(self, value: Tensor, x: Tensor) -> Tensor:
        """Return the root mean square of each row in units of its tolerance, eq. 4.10 and 4.11."""
        unit = self.atol + self.rtol * torch.maximum(self.x.abs(), x.abs())
        return (value / unit).flatten(1).double().square().mean(1).sqrt()


def _rounded(step: Tensor) -> Tensor:
    """Return the nearest of `STEPS_PER_OCTAVE` steps between each power of two and the next."""
    return torch.exp2((step.log2() * STEPS_PER_OCTAVE).round() / STEPS_PER_OCTAVE)


def _combined(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    """Return the weighted sum of the slopes."""
    total = slopes[0] * weights[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        if weight:
            total = torch.add(total, slope, alpha=weight)
    return total


def _times(numbers: Tensor, x: Tensor) -> Tensor:
    """Return each row of `x` times its number ``(B,)``."""
    return x * numbers.to(x.dtype)[:, None, None]
