"""Postures of a description: position targets by the names of actuators."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np

from envs.arrays import FloatArray
from envs.hand.controls import Controls
from envs.names import unknown


def posture(
    kind: str, values: Mapping[str, float], names: tuple[str, ...], controls: Controls
) -> FloatArray:
    """Return the position targets of a described posture, (act_dim,) [rad].

    Args:
        kind: Name of the posture, for messages.
        values: Targets by actuator, in which names may contain `*` and later entries count more.
        names: The actuators, (act_dim,).
        controls: Their limits; a target without an entry is the one nearest to 0.

    Raises:
        ValueError: A name fits no actuator, or a target is out of range.
    """
    targets = np.clip(0.0, controls.low, controls.high)
    for pattern, value in values.items():
        fitting = np.array([fnmatchcase(name, pattern) for name in names])
        if not fitting.any():
            raise unknown(f"actuator of the {kind} posture", pattern, names)
        targets[fitting] = value
    outside = (targets < controls.low) | (targets > controls.high) | ~np.isfinite(targets)
    if outside.any():
        k = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"the {kind} posture has {targets[k]:g} for {names[k]}; its range is "
            f"{controls.low[k]:.4g} to {controls.high[k]:.4g} rad"
        )
    return np.asarray(targets)
