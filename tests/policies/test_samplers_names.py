"""Names of samplers and time grids."""

import itertools
import re

import pytest

from policies.catalogue import ADAPTIVE
from policies.objectives import load_objective, make_objective
from policies.samplers.grids import GRIDS, grid_times
from policies.samplers.names import SamplerName

FLOW = load_objective("flow")


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_grids_go_from_exactly_0_to_exactly_1(grid: str, steps: int) -> None:
    times = grid_times(grid, steps)
    assert len(times) == steps + 1
    assert (times[0], times[-1]) == (0.0, 1.0)
    assert all(t < t_next for t, t_next in itertools.pairwise(times))


def test_grids_have_their_documented_densities() -> None:
    assert grid_times("uniform", 4) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert grid_times("early", 4) == (0.0, 0.0625, 0.25, 0.5625, 1.0)
    assert grid_times("late", 4) == (0.0, 0.4375, 0.75, 0.9375, 1.0)
    assert grid_times("cosine", 2) == pytest.approx((0.0, 0.5, 1.0))
    assert grid_times("cosine", 4)[1] == pytest.approx(0.1464, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "parsed", "name"),
    [
        ("heun", SamplerName("heun"), "heun"),
        ("heun:uniform", SamplerName("heun"), "heun"),
        ("rk4:late", SamplerName("rk4", "late"), "rk4:late"),
        ("rk45", SamplerName("rk45"), "rk45"),
        ("rk45:0.001,1e-03", SamplerName("rk45"), "rk45"),
        ("rk45:1e-05,0.01", SamplerName("rk45", rtol=1e-5, atol=0.01), "rk45:1e-5,0.01"),
        ("rk45:0.00012345,1", SamplerName("rk45", rtol=1.2345e-4, atol=1.0), "rk45:0.00012345,1.0"),
    ],
)
def test_a_sampler_has_one_canonical_name(text: str, parsed: SamplerName, name: str) -> None:
    assert FLOW.parse_sampler(text) == parsed
    assert str(parsed) == name
    assert FLOW.parse_sampler(name) == parsed
    resolved, steps = make_objective("flow", "sample", (7, 5)).resolve_sampler(text, None)
    assert resolved == name
    assert steps == FLOW.limits[parsed.name].default


@pytest.mark.parametrize(
    ("objective", "sampler", "message"),
    [
        ("flow", "euller:late", "unknown sampler for Flow 'euller'; did you mean euler"),
        ("flow", "heun:lat", "unknown time grid of heun 'lat'; did you mean late"),
        ("flow", "heun:", "unknown time grid of heun ''; known: cosine, early, late, uniform"),
        ("flow", "heun:1e-3,1e-3", "unknown time grid of heun '1e-3,1e-3'; known"),
        ("flow", "rk45:late", "rk45 takes two tolerances, rk45:RTOL,ATOL, each from 1e-10 to 1"),
        ("flow", "rk45:1e-3", "sampler is 'rk45:1e-3'; rk45 takes two"),
        ("flow", "rk45:0,1e-3", "sampler is 'rk45:0,1e-3'; rk45 takes two"),
        ("flow", "rk45:1e-3,nan", "sampler is 'rk45:1e-3,nan'; rk45 takes"),
        ("flow", "rk45:1e-3,2", "sampler is 'rk45:1e-3,2'; rk45 takes two"),
        ("diffusion", "ddim:late", "sampler is 'ddim:late'; ddim has no time grid"),
        ("bc", "direct:early", "sampler is 'direct:early'; direct has no time grid"),
    ],
)
def test_bad_suffixes_are_rejected_with_the_valid_ones(
    objective: str, sampler: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load_objective(objective).parse_sampler(sampler)


def test_adaptive_limits_leave_the_steps_to_the_tolerance() -> None:
    assert str(ADAPTIVE) == "as many steps as its tolerance requires"
    assert ADAPTIVE.possible_nfe == "as many network evaluations as its tolerance requires"
    assert [ADAPTIVE.allow(steps) for steps in (0, 1, 6)] == [True, False, False]
    assert [ADAPTIVE.steps_at(nfe) for nfe in (1, 2, 14)] == [None] * 3
    with pytest.raises(ValueError, match=r"steps is 5 for 'rk45'; .*'rk45' takes as many"):
        make_objective("flow", "sample", (7, 5)).check_sampler("rk45", 5)
