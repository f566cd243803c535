"""Low-dimensional finger postures for Adroit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.task import FloatArray

SPREAD = {"FFJ3": -1.0, "MFJ3": 0.0, "RFJ3": 1.0, "LFJ3": 1.0}  # away from the middle finger


@dataclass(frozen=True)
class Posture:
    """A posture of the hand.

    Attributes:
        curl: Flexion of every finger's knuckle, middle and last joint (J2, J1, J0) [rad].
        thumb: THJ4 to THJ0 [rad].
        spread: Abduction of the fingers (J3) [rad].
    """

    curl: tuple[float, float, float]
    thumb: tuple[float, float, float, float, float]
    spread: float = 0.0

    def targets(self, names: Sequence[str]) -> FloatArray:
        """Return the targets of the joints called `names`, (len(names),) [rad]."""
        values = dict(zip((f"THJ{k}" for k in (4, 3, 2, 1, 0)), self.thumb, strict=True))
        for finger in ("FF", "MF", "RF", "LF"):
            values |= {
                f"{finger}J{k}": angle for k, angle in zip((2, 1, 0), self.curl, strict=True)
            }
            values[f"{finger}J3"] = self.spread * SPREAD[f"{finger}J3"]
        values["LFJ4"] = 0.0
        return np.array([values[name] for name in names])
