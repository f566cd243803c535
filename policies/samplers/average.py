"""Samplers for average velocities, whose network is given the length of each step.

The average velocity `u` over a step of length `h` from `t` leads from `x_t` to `x_{t+h}` exactly,
however curved the path is. A network predicts `u`, or the chunk where `x_t` would arrive at t = 1
with that velocity.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from policies.catalogue import SHORTCUT_STEPS
from policies.schedules import Scalar

StepOutput: TypeAlias = Callable[[Tensor, float, float], Tensor]
"""`(x_t, t, h) -> output`, like `x_t`: the network's output for a step of length h from t."""


def average_step(prediction: str, output: Tensor, x_t: Tensor, t: Scalar, h: Scalar) -> Tensor:
    """Return `x_t + h * u`, the point at `t + h`.

    Args:
        prediction: What `output` is, "sample" or "velocity".
        output: The network's output `(B, pred_horizon, act_dim)` at `(t, h)`.
        x_t: The current point, like `output`.
        t: Time in [0, 1).
        h: Length of the step in [0, 1 - t]; at 1 - t the result is exactly the predicted chunk.
    """
    if prediction == "velocity":
        return x_t + h * output
    # u = (s - x_t) / (1 - t), so x_t + h u = lerp(x_t, s, h / (1 - t))
    return torch.lerp(x_t, output, h / (1 - t))


def average(output: StepOutput, prediction: str, x: Tensor, steps: int) -> Tensor:
    """Take `steps` equal steps `x_{t+h} = x_t + h * u(x_t, t, h)`, one evaluation each.

    Args:
        output: The network as a function of point, time and length of the step.
        prediction: "sample" or "velocity".
        x: Noise `(B, pred_horizon, act_dim)` at t = 0; left unchanged.
        steps: Number of steps, at least 1.

    Returns:
        The point at t = 1, like `x`.
    """
    for step in range(steps):
        t = step / steps
        h = (step + 1) / steps - t
        # Geng et al. 2025 (arXiv 2505.13447), eq. 12: z_r = z_t - (t - r) u(z_t, r, t), where time
        # runs from data to noise
        x = average_step(prediction, output(x, t, h), x, t, h)
    return x


def told_length(h: float) -> float:
    """Return the step length given to the network: 0 for the shortest step of `shortcut`.

    Frans et al. 2024 (arXiv 2410.12557), section 3.2: the shortest step uses the instantaneous
    velocity, which the network learns at length 0.
    """
    return h if h > 1 / SHORTCUT_STEPS else 0.0


def shortcut(output: StepOutput, prediction: str, x: Tensor, steps: int) -> Tensor:
    """Take `steps` equal steps of the lengths seen in training (Frans et al. 2024, algorithm 2).

    `steps` is a power of two up to `SHORTCUT_STEPS`. See `average` for the arguments.
    """
    return average(lambda x_t, t, h: output(x_t, t, told_length(h)), prediction, x, steps)
