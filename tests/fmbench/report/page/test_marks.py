"""Markers and colours of the figures: of a policy alone, and seen in the dark."""

import pytest

from fmbench.report.page.charts.marks import (
    LEAST_CONTRAST,
    SYMBOLS,
    contrast,
    in_the_dark,
    look_of,
    outline,
)
from policies.catalogue import MORE_COLOURS, POLICIES


@pytest.mark.parametrize("colour", [*MORE_COLOURS, *(e.colour for e in POLICIES.values())])
def test_colours_are_seen_in_the_dark(colour):
    assert contrast(in_the_dark(colour), "#16181D") >= LEAST_CONTRAST
    if contrast(colour, "#16181D") >= LEAST_CONTRAST:
        assert in_the_dark(colour) == colour


def test_contrast_of_black_and_white():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


def test_a_marker_depends_on_the_policy_alone():
    assert [look_of(name) for name in ("flow", "reflow")] == [0, 1]
    assert look_of("mine") == look_of("mine") < len(SYMBOLS)
    assert len({outline(place, 0, 0) for place in range(len(SYMBOLS))}) == len(SYMBOLS)
