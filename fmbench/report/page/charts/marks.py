"""Markers, dashes and colours, the same for the script and for print."""

from __future__ import annotations

import colorsys
import functools
import zlib

from policies.catalogue import POLICIES

SYMBOLS = (
    "circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star",
)  # fmt: skip
"""Names of markers in plotly, in the order of policies."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Names of dashes in plotly, in the order of samplers, executions or networks."""
_DASH_ARRAYS = ("", "6 3", "1.5 2.5", "6 2 1.5 2", "10 3", "10 3 2 3")
_OUTLINES = {
    "square": "m-2.6-2.6h5.2v5.2h-5.2z",
    "triangle-up": "m0-3.4l3.2 5.6h-6.4z",
    "diamond": "m0-3.6l3.4 3.6l-3.4 3.6l-3.4-3.6z",
    "triangle-down": "m0 3.4l3.2-5.6h-6.4z",
    "cross": "m-1.1-3.3h2.2v2.2h2.2v2.2h-2.2v2.2h-2.2v-2.2h-2.2v-2.2h2.2z",
    "x": "m-3-2l1-1l2 2l2-2l1 1l-2 2l2 2l-1 1l-2-2l-2 2l-1-1l2-2z",
    "star": "m0-3.8l1.1 2.4l2.6.3l-1.9 1.8l.5 2.6l-2.3-1.3l-2.3 1.3l.5-2.6l-1.9-1.8l2.6-.3z",
}
CIVIDIS = (
    "#00224E", "#083370", "#35456C", "#4F576C", "#666970", "#7D7C78", "#948E77", "#AEA371",
    "#C8B866", "#E5CF52", "#FEE838",
)  # fmt: skip
"""The colour map cividis at eleven values from 0 to 1; it can be read by the colour-blind."""
LEAST_CONTRAST = 4.5
"""Least contrast of a line in the dark; WCAG 2.2, 1.4.11 asks for 3, and lines are thin."""
_DARK = "#16181D"


def look_of(policy: str) -> int:
    """Return which marker or dash a policy has, whatever others are in the figure."""
    names = list(POLICIES)
    return names.index(policy) if policy in POLICIES else zlib.crc32(policy.encode()) % len(SYMBOLS)


def symbol(place: int) -> str:
    """Return the name of a marker."""
    return SYMBOLS[place % len(SYMBOLS)]


def dash_array(place: int) -> str:
    """Return the lengths of a dash in print; empty for a solid line."""
    return _DASH_ARRAYS[place % len(_DASH_ARRAYS)]


def outline(place: int, x: float, y: float) -> str:
    """Return the path of a marker in print."""
    name = symbol(place)
    if name == "circle":
        return f"M{x - 2.9:.1f} {y:.1f}a2.9 2.9 0 1 0 5.8 0a2.9 2.9 0 1 0-5.8 0"
    return f"M{x:.1f} {y:.1f}{_OUTLINES[name]}"


def shade(value: float) -> str:
    """Return the colour of a cell, of a value in [0, 1]."""
    return CIVIDIS[round(min(max(value, 0.0), 1.0) * (len(CIVIDIS) - 1))]


@functools.cache
def in_the_dark(colour: str) -> str:
    """Return a colour of the same hue that is seen on a dark page.

    Args:
        colour: `#RRGGBB`; grey and black become a lighter grey.
    """
    red, green, blue = _parts(colour)
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(colour, _DARK) < LEAST_CONTRAST and lightness < 1.0:
        lightness = min(1.0, lightness + 0.02)
        parts = colorsys.hls_to_rgb(hue, lightness, saturation)
        colour = "#" + "".join(f"{round(255 * part):02X}" for part in parts)
    return colour


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, in [1, 21] (WCAG 2.2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
