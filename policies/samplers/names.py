"""Names of samplers: ``NAME``, ``NAME:GRID`` or, where a tolerance decides, ``NAME:RTOL,ATOL``.

One string names a sampler everywhere: in cells, rows, tables and on the command line. The uniform
grid and the default tolerances have no suffix, so that a sampler has one name.
"""

from collections.abc import Mapping
from typing import NamedTuple

from policies.catalogue import TOLERANCE, StepLimits
from policies.registry import lookup, unknown_name
from policies.samplers.grids import GRIDS, UNIFORM

LOWEST_TOLERANCE, HIGHEST_TOLERANCE = 1e-10, 1.0


class SamplerName(NamedTuple):
    """What the name of a sampler says.

    Attributes:
        name: Its name in the tables.
        grid: Its time grid, a key of `GRIDS`; of no meaning where a tolerance decides.
        rtol: Relative tolerance of one step; of no meaning where the steps are fixed.
        atol: Absolute tolerance of one step, likewise.
    """

    name: str
    grid: str = UNIFORM
    rtol: float = TOLERANCE
    atol: float = TOLERANCE

    def __str__(self) -> str:
        if self.grid != UNIFORM:
            return f"{self.name}:{self.grid}"
        if (self.rtol, self.atol) != (TOLERANCE, TOLERANCE):
            return f"{self.name}:{_number(self.rtol)},{_number(self.atol)}"
        return self.name


def parse_sampler(kind: str, sampler: str, limits: Mapping[str, StepLimits]) -> SamplerName:
    """Read the name of a sampler.

    Args:
        kind: What `limits` holds, in the singular, for the error message.
        sampler: The name, with its suffix if it has one.
        limits: Name to step limits of the samplers that are possible.

    Raises:
        ValueError: The sampler or its grid is unknown, its tolerances are no such numbers, or it
            has no grid; the message says what is possible.
    """
    name, colon, suffix = sampler.partition(":")
    found = lookup(kind, name, limits)
    if not colon:
        return SamplerName(name)
    if found.adaptive:
        return SamplerName(name, UNIFORM, *_tolerances(name, sampler, suffix))
    if not found.grids:
        choices = [each for each, limit in limits.items() if limit.grids]
        possible = f"; a grid is for {', '.join(choices)}" if choices else ""
        raise ValueError(f"{name} has no time grid, so it cannot be {sampler!r}{possible}.")
    if suffix not in GRIDS:
        raise unknown_name(f"time grid of {name}", suffix, GRIDS)
    return SamplerName(name, suffix)


def _tolerances(name: str, sampler: str, suffix: str) -> tuple[float, float]:
    """Return the two tolerances of a suffix."""
    try:
        rtol, atol = (float(word) for word in suffix.split(","))
    except ValueError:
        rtol = atol = 0.0
    if not all(LOWEST_TOLERANCE <= value <= HIGHEST_TOLERANCE for value in (rtol, atol)):
        raise ValueError(
            f"{name} takes two tolerances, {name}:RTOL,ATOL, each from {LOWEST_TOLERANCE:g} to "
            f"{HIGHEST_TOLERANCE:g}, not {sampler!r}."
        )
    return rtol, atol


def _number(value: float) -> str:
    """Write a number such that reading it gives the same one: 0.01, 1e-5."""
    return repr(value).replace("e-0", "e-")
