"""The adaptive Dormand-Prince solver of order 5, with separate steps for every row.

Every row has its own time and step, so that its result does not depend on the other rows. The field
is always evaluated for the full batch; finished rows are carried along and not counted. Step
lengths are rounded to a coarse grid: networks round differently at different batch sizes, and steps
that depended on the last digits would amplify these differences.

A field made from predicted chunks has no velocity at t = 1. There a step covers at most
`LONGEST_STEP` of the remaining time, and a row close enough to t = 1 ends with an Euler step to the
predicted chunk, without a further evaluation. Close enough means that the error of this Euler step,
estimated from the change of the velocity over the previous step, meets the tolerance of all other
steps. A row within `NEAREST` of t = 1 ends this way regardless of the estimate: its predictions do
not converge, the path has no limit, and the error is not controlled.
"""

from collections.abc import Callable

import torch
from torch import Tensor

RowField = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`(x_t (B, Tp, act_dim), t (B,), active (B,)) -> velocity`, like `x_t`; inactive
rows may have any value."""

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
"""The last row gives the result of order 5; its stage is the first of the next step (FSAL)."""
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""Weights of order 5 minus those of order 4."""

SAFETY, SLOWEST, FASTEST = 0.9, 0.2, 10.0
"""Step-size control, section II.4, eq. 4.13: safety factor, least and largest growth."""
EXPONENT = 1 / 5
"""1 / (q + 1), where q = 4 is the order of the error estimate."""
STEPS_PER_OCTAVE = 4
LONGEST_STEP = 0.9
NEAREST = 1e-6
MOST_STEPS = 1000
"""After this number of attempted steps, a row ends with one Euler step."""


def rk45(
    field: RowField, x: Tensor, rtol: float, atol: float, singular_end: bool = False
) -> Tensor:
    """Integrate `dx/dt = field(x, t)` from t = 0 to 1 with the Dormand-Prince 5(4) pair.

    Hairer, Norsett & Wanner 1993, section II.5. A step is accepted if the root mean square of its
    error over the row, in units of `atol + rtol * |x|`, is at most 1; integration continues from
    the result of order 5. Choosing the first step takes two evaluations, every attempted step six.
    A row whose error is NaN or infinite ends as NaN.

    Args:
        field: The velocity field, with a time per row.
        x: Noise `(B, pred_horizon, act_dim)` at t = 0; left unchanged.
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
    """State of each row: point `x`, time `t`, velocity, next `step`, and whether it is `active`."""

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
        """Attempt one step in every active row."""
        left = 1 - self.t
        last = (self.step >= left) & (not self.singular_end)
        longest = left * LONGEST_STEP if self.singular_end else left
        h = torch.minimum(self.step, longest)
        slopes = [self.velocity]
        for node, weights in zip(NODES, STAGES, strict=True):
            x = self.x + _scaled(h, _weighted_sum(weights, slopes))
            t = torch.where(last, 1.0, self.t + h) if node == 1 else self.t + node * h
            slopes.append(self.field(x, t, self.active))
        error = self._size(_scaled(h, _weighted_sum(ERROR, slopes)), x)
        failed = ~error.isfinite()
        accepted = self.active & ((error <= 1) | failed)
        # Hairer, Norsett & Wanner 1993, eq. 4.13; no growth right after a rejected step
        factor = (SAFETY * error.clamp(min=1e-10) ** -EXPONENT).clamp(SLOWEST, FASTEST)
        factor = torch.where(self.may_grow, factor, factor.clamp(max=1.0))
        self.step = torch.where(self.active, _rounded(h * factor), self.step)
        self.may_grow = accepted
        x = torch.where(failed[:, None, None], torch.nan, x)
        arrived = last | failed
        if self.singular_end:
            # x(1) - (x + h v) = h^2 / 2 x'' + O(h^3), with x'' = (v - v_before) / h_before
            bend = _scaled((1 - t) ** 2 / 2 / h, slopes[-1] - self.velocity)
            landing = x + _scaled(1 - t, slopes[-1])
            near = (self._size(bend, landing) <= 1) | (1 - t <= NEAREST)
            x = torch.where((near & accepted)[:, None, None], landing, x)
            arrived = near | failed
        mask = accepted[:, None, None]
        self.x = torch.where(mask, x, self.x)
        self.velocity = torch.where(mask, slopes[-1], self.velocity)
        self.t = torch.where(accepted, torch.where(arrived, 1.0, t), self.t)
        self.active = self.active & ~(accepted & arrived)

    def landed(self) -> Tensor:
        """Return the result of an Euler step to t = 1, without a further evaluation."""
        return self.x + _scaled(1 - self.t, self.velocity)

    def _first_step(self) -> Tensor:
        """Return the first step of each row (Hairer, Norsett & Wanner 1993, section II.4)."""
        # "Starting step size", a) to f), with the order of the error estimate as p
        size, slope = self._size(self.x, self.x), self._size(self.velocity, self.x)
        small = (size < 1e-5) | (slope < 1e-5)
        probe = torch.where(small, 1e-6, 0.01 * size / slope.clamp(min=1e-5)).clamp(max=0.5)
        probe = _rounded(probe)
        x = self.x + _scaled(probe, self.velocity)
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
    """Round a step to the nearest of `STEPS_PER_OCTAVE` lengths per factor of two."""
    return torch.exp2((step.log2() * STEPS_PER_OCTAVE).round() / STEPS_PER_OCTAVE)


def _weighted_sum(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    """Return the weighted sum of the slopes."""
    total = slopes[0] * weights[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        if weight:
            total = torch.add(total, slope, alpha=weight)
    return total


def _scaled(factors: Tensor, x: Tensor) -> Tensor:
    """Return each row of `x` times its factor, `(B,)`."""
    return x * factors.to(x.dtype)[:, None, None]
