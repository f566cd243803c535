"""Cameras that look at a scene from a fixed place, besides the scene's own `main` camera."""

import math
from typing import NamedTuple

MAIN = "main"
"""The camera that every scene has."""


class Camera(NamedTuple):
    """A fixed camera that looks at a point.

    Attributes:
        target: The point it looks at, (x, y, z) in the world frame [m].
        distance: Distance from the target [m].
        azimuth: Angle of the viewing direction about the vertical, 0 along x [degrees].
        elevation: Angle of the viewing direction above the horizontal; a negative one looks
            down [degrees].
        fovy: Vertical field of view [degrees].
    """

    target: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float
    fovy: float = 40.0

    @property
    def direction(self) -> tuple[float, float, float]:
        """The viewing direction, a unit vector in the world frame."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        flat = math.cos(elevation)
        return flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)

    @property
    def position(self) -> tuple[float, float, float]:
        """Where the camera is, in the world frame [m]."""
        x, y, z = (a - self.distance * b for a, b in zip(self.target, self.direction, strict=True))
        return x, y, z
