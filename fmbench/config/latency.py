"""The delay that a latency means."""

import math


def delay_of(latency_ms: float, control_period_s: float) -> int:
    """Return the control steps that a decision takes, rounded up, at least 1.

    A result of rounding is no further step: exactly one period is one step.
    """
    return max(1, math.ceil(round(latency_ms / (1e3 * control_period_s), 9)))
