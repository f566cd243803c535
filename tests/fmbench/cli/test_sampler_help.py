"""The help lists every sampler of every policy with its network evaluations."""

from dataclasses import replace

import pytest

from fmbench.cli.sampler_help import samplers_help, suffixes_help
from policies.catalogue import POLICIES


def test_each_policy_and_group_of_samplers_has_a_line() -> None:
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


def test_registered_policies_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "l1", replace(POLICIES["bc"]))
    assert samplers_help().endswith("\n  l1         direct          exactly 1")


def test_samplers_with_grids_and_tolerances_are_listed() -> None:
    assert suffixes_help() == (
        "euler, midpoint, heun, rk4 take a time grid: uniform, early, late, cosine;\n"
        "rk45 takes tolerances, from 1e-10 to 1, instead of --nfe."
    )
