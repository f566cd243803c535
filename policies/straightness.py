"""Straightness of the paths along which a flow carries noise to chunks."""

import torch
from torch import Tensor

from policies.chunk_policy import ChunkPolicy
from policies.objectives.base import Noise
from policies.objectives.flow import Flow
from policies.samplers.ode import Field

PATH_STEPS = 50


def has_paths(policy: ChunkPolicy) -> bool:
    """Return whether a policy's objective has a velocity field, whose paths can be measured."""
    return isinstance(policy.objective, Flow)


def straightness(
    policy: ChunkPolicy, observations: Tensor, noise: Noise, steps: int = PATH_STEPS
) -> float:
    """Return the deviation of a flow's paths from straight lines: 0 is straight.

    Args:
        policy: A policy whose objective has a velocity field: a `Flow`.
        observations: `(B, obs_horizon, obs_dim)`.
        noise: Returns a fresh standard normal `(B, pred_horizon, act_dim)`; the only source of
            randomness.
        steps: Euler steps of a path.

    Returns:
        The `field_straightness` of the policy's field, in normalised actions.

    Raises:
        ValueError: The policy has no velocity field, or `steps` is less than 1.
    """
    if not isinstance(policy.objective, Flow):  # as in `has_paths`
        raise ValueError(
            f"objective is {policy.config.objective!r}; it has no velocity field to measure"
        )
    condition = policy.encode(observations)
    field = policy.objective.field(policy.network, condition)
    return field_straightness(field, noise(), steps)


@torch.no_grad()
def field_straightness(field: Field, x: Tensor, steps: int = PATH_STEPS) -> float:
    """Return the straightness of the Euler paths of a field that start at `x`.

    Args:
        field: The velocity field.
        x: Points at t = 0, `(B, ...)`; left unchanged.
        steps: Euler steps of a path.

    Returns:
        `S / E|x_1 - x_0|^2`, at least 0 and independent of the length of the paths; NaN if all
        paths have length 0.

    Raises:
        ValueError: `steps` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    start, velocities = x, []
    for step in range(steps):
        velocities.append(field.velocity(x, step / steps))
        x = torch.add(x, velocities[-1], alpha=1 / steps)
    chord = x - start
    # Liu et al. 2023 (arXiv 2209.03003): S(Z) = int_0^1 E|(Z_1 - Z_0) - dZ_t/dt|^2 dt
    bend = sum(float((chord - velocity).square().mean()) for velocity in velocities) / steps
    length = float(chord.square().mean())
    return bend / length if length else float("nan")
