"""The help names every sampler of every policy with the evaluations that it takes."""

from dataclasses import replace

import pytest

from fmbench.cli.sampler_help import samplers_help, suffixes_help
from policies.catalogue import POLICIES


def test_policies_and_groups_of_samplers_have_a_line_each() -> None:
    lines = samplers_help().splitlines()
    for line in (
        "  flow       euler           1 or more",
        "             midpoint, heun  2 or more, in multiples of 2",
        "             rk45            as many as its tolerance requires",
        "  shortcut   shortcut        1, 2, 4, 8, 16, 32 or 64",
        "  diffusion  ddpm            exactly 100",
        "             ddim, dpmpp_2m  1 to 100",
        "  bc         direct          exactly 1",
        "  knn        nearest         exactly 0",
    ):
        assert line in lines
    for entry in POLICIES.values():
        assert all(sampler in samplers_help() for sampler in entry.limits)


def test_a_policy_of_ones_own_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "l1", replace(POLICIES["bc"]))
    assert samplers_help().endswith("\n  l1         direct          exactly 1")


def test_grids_and_tolerances_are_said_of_those_that_take_them() -> None:
    assert suffixes_help() == (
        "euler, midpoint, heun, rk4 take a time grid: uniform, early, late, cosine;\n"
        "rk45 takes tolerances, from 1e-10 to 1, in the place of --nfe."
    )
