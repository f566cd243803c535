"""The axes along which episodes can be disturbed: plain data, read by command lines.

A level is one number of an axis. The modules of the axes import mujoco and are imported on use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envs.names import check_new_name

if TYPE_CHECKING:  # a command line must not import mujoco
    from envs.perturb.axis import Axis


@dataclass(frozen=True)
class AxisEntry:
    """What must be known about an axis before its class is imported.

    Attributes:
        place: The class, "module:Class".
        text: What a level means, in a few words.
        levels: Suggested levels, increasing.
        least: Least accepted level.
        most: Largest accepted level.
        neutral: A level that changes nothing and is not accepted, or None.
        is_whole: Whether levels are whole numbers.
        is_switch: Whether the only level is 1, written "on".
        sees: Whether it changes observations only. An expert reads the state itself, and a policy
            that sees pictures has no such numbers: neither is disturbed by it.
        files: A user's files that define it, each with the sha256 of its bytes, the one that
            registered it first; empty for built-in axes.
    """

    place: str
    text: str
    levels: tuple[float, ...]
    least: float
    most: float
    neutral: float | None = None
    is_whole: bool = False
    is_switch: bool = False
    sees: bool = False
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> str:
        """The accepted levels in words."""
        if self.is_switch:
            return "on"
        kind = "a whole number" if self.is_whole else "a number"
        other = "" if self.neutral is None else f" other than {self.neutral:g}"
        return f"{kind} from {self.least:g} to {self.most:g}{other}"

    def accepts(self, level: float) -> bool:
        """Return whether a level is accepted."""
        is_inside = math.isfinite(level) and self.least <= level <= self.most
        return is_inside and level != self.neutral and (level == int(level) or not self.is_whole)


def _factor(place: str, text: str, least: float = 0.1, most: float = 10.0) -> AxisEntry:
    return AxisEntry(f"envs.perturb.physics:{place}", text, (0.5, 0.75, 1.33, 2), least, most, 1.0)


_SEEN, _MOVED = "envs.perturb.observations:", "envs.perturb.motions:"
AXES: dict[str, AxisEntry] = {
    "obs-noise": AxisEntry(
        f"{_SEEN}ObservationNoise",
        "noise on every observed value, in its standard deviations",
        (0.01, 0.03, 0.1), 0.001, 1.0, sees=True,
    ),
    "obs-stale": AxisEntry(
        f"{_SEEN}StaleObservation", "observations this many control steps old", (1, 2, 4), 1, 50,
        is_whole=True, sees=True,
    ),
    "obs-drop": AxisEntry(
        f"{_SEEN}DroppedObservation", "probability that an observation is lost",
        (0.1, 0.3), 0.01, 0.99, sees=True,
    ),
    "act-noise": AxisEntry(
        f"{_MOVED}ActionNoise", "factor on the command noise of demonstrations", (1, 2, 4), 0.1, 10,
    ),
    "mass": _factor("Mass", "factor on the mass and inertia of the objects"),
    "friction": _factor("Friction", "factor on every friction coefficient"),
    "kp": _factor("ServoGain", "factor on the stiffness of the position servos"),
    "size": _factor("Size", "factor on the object's size, at equal mass", 0.5, 2.0),
    "push": AxisEntry(
        f"{_MOVED}Push", "kick of a free object in mid-episode [m/s]", (0.1, 0.3, 0.5),
        0.01, 2.0,
    ),
    "start": AxisEntry(
        f"{_MOVED}WideStart", "factor on the width of every range of starts",
        (1.1, 1.25, 1.5), 1.01, 2.0,
    ),
    "hidden": AxisEntry(
        f"{_SEEN}HiddenVelocity", "joint velocities replaced by their mean",
        (1,), 1, 1, is_switch=True, sees=True,
    ),
}  # fmt: skip


def add_axis(
    name: str,
    axis: type[Axis],
    text: str,
    levels: tuple[float, ...],
    limits: tuple[float, float],
    sees: bool = False,
    files: Mapping[str, str] | None = None,
) -> None:
    """Register an axis.

    Args:
        name: Its name.
        axis: The class.
        text: What a level means.
        levels: Suggested levels.
        limits: Least and largest accepted level.
        sees: As in `AxisEntry`.
        files: As in `AxisEntry`.

    Raises:
        ValueError: The name is taken or not accepted, or a level is not accepted.
    """
    check_new_name("axis", name, AXES)
    place = f"{axis.__module__}:{axis.__qualname__}"
    entry = AxisEntry(place, text, tuple(levels), *limits, sees=sees, files=files or {})
    wrong = [level for level in levels if not entry.accepts(level)]
    if wrong or not levels:
        raise ValueError(
            f"levels of the axis {name!r} are {levels}; give {entry.accepted}, or more"
        )
    AXES[name] = entry


def level_text(axis: str, level: float) -> str:
    """Return a level of an axis as one word, e.g. `mass=2`; the same for equal levels."""
    return f"{axis}={'on' if AXES[axis].is_switch else format(level, '.6g')}"


def split_text(text: str) -> tuple[str, float]:
    """Return axis and level of a text that `level_text` has made."""
    axis, _, level = text.partition("=")
    return axis, 1.0 if AXES[axis].is_switch else float(level)
