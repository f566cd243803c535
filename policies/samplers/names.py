"""Names of samplers: `NAME`, `NAME:GRID` or, for adaptive samplers, `NAME:RTOL,ATOL`.

The same string is used everywhere: in cells, rows, tables and on the command line. The uniform grid
and the default tolerances have no suffix, so that every sampler has exactly one canonical name.
"""

from collections.abc import Mapping
from typing import NamedTuple

from policies.catalogue import TOLERANCE, StepLimits
from policies.registry import lookup, unknown_name
from policies.samplers.grids import GRIDS, UNIFORM

LOWEST_TOLERANCE, HIGHEST_TOLERANCE = 1e-10, 1.0


class SamplerName(NamedTuple):
    """A parsed sampler name; `str` returns the canonical name.

    Attributes:
        name: The name without suffix, a key of `policies.catalogue.SAMPLERS`.
        grid: The time grid, a key of `GRIDS`; unused by adaptive samplers.
        rtol: Relative tolerance of one step; only used by adaptive samplers.
        atol: Absolute tolerance of one step; only used by adaptive samplers.
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
    """Parse the name of a sampler.

    Args:
        kind: The kind of sampler, in the singular, for the error message.
        sampler: The name, with its suffix if it has one.
        limits: Step limits of the valid samplers, by name.

    Raises:
        ValueError: The sampler or its grid is unknown, its tolerances are invalid, or it has no
            grid; the message lists what is accepted.
    """
    name, colon, suffix = sampler.partition(":")
    accepted = lookup(kind, name, limits)
    if not colon:
        return SamplerName(name)
    if accepted.adaptive:
        return SamplerName(name, UNIFORM, *_tolerances(name, sampler, suffix))
    if not accepted.grids:
        with_grid = ", ".join(other for other, limit in limits.items() if limit.grids)
        hint = f"; a grid is for {with_grid}" if with_grid else ""
        raise ValueError(f"sampler is {sampler!r}; {name} has no time grid{hint}")
    if suffix not in GRIDS:
        raise unknown_name(f"time grid of {name}", suffix, GRIDS)
    return SamplerName(name, suffix)


def _tolerances(name: str, sampler: str, suffix: str) -> tuple[float, float]:
    """Parse the two tolerances of a suffix."""
    try:
        rtol, atol = (float(word) for word in suffix.split(","))
    except ValueError:
        rtol = atol = 0.0
    if not all(LOWEST_TOLERANCE <= value <= HIGHEST_TOLERANCE for value in (rtol, atol)):
        raise ValueError(
            f"sampler is {sampler!r}; {name} takes two tolerances, {name}:RTOL,ATOL, "
            f"each from {LOWEST_TOLERANCE:g} to {HIGHEST_TOLERANCE:g}"
        )
    return rtol, atol


def _number(value: float) -> str:
    """Format a number so that it parses to the same value: 0.01, 1e-5."""
    return repr(value).replace("e-0", "e-")
