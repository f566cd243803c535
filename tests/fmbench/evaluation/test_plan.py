"""The interpretation of `--nfe`: `run` and `evaluate` take and skip the same numbers."""

import itertools
import re

import pytest

from fmbench.config import PRESETS, RunConfig
from fmbench.evaluation.plan import leaves_choice, plan_run
from fmbench.runs.sampler_choice import SamplerRequest, choose_sampler
from policies.catalogue import POLICIES

NFES = [(1,), (3, 10), (1, 3, 10), (4, 2, 1), (8, 100, 101), (64, 65, 1000)]
PAIRS = [
    (policy, sampler)
    for policy, entry in POLICIES.items()
    for sampler in entry.planned or entry.limits
]


def numbers(lines: tuple[str, ...]) -> list[str]:
    """Return the numbers that lines report as skipped."""
    return [match for line in lines for match in re.findall(r"^--nfe ([\d ]+): ", line)]


@pytest.mark.parametrize(("policy", "sampler"), PAIRS)
def test_run_and_evaluate_take_the_same_steps_and_skip_the_same_numbers(
    policy: str, sampler: str
) -> None:
    limits = POLICIES[policy].limits[sampler]
    for nfe in NFES:
        planned = plan_run(RunConfig(policy=(policy,), nfe=nfe))
        skipped = tuple(line for line in planned.skipped if _is_about(line, policy, sampler))
        possible = [count for count in nfe if limits.steps_at(count) is not None]
        if not possible:
            assert numbers(skipped) == [" ".join(map(str, nfe))]
            continue
        chosen = choose_sampler(SamplerRequest(sampler, nfe), (policy,), "RUN")
        assert numbers(skipped) == numbers(chosen.plan.skipped)
        if planned.steps[policy]:
            assert planned.steps[policy][sampler] == chosen.plan.steps[policy][sampler]


def _is_about(line: str, policy: str, sampler: str) -> bool:
    return f": {policy} ({sampler}) takes " in line or f": {policy} takes " in line


@pytest.mark.parametrize(("policy", "sampler"), PAIRS)
def test_a_sampler_alone_has_the_same_cells_in_both_commands(policy: str, sampler: str) -> None:
    for nfe in ((4, 1, 2), (16, 2)):
        cells = plan_run(RunConfig(policy=(policy,), nfe=nfe)).cells("LiftCube", policy, 1)
        requested = nfe if leaves_choice(POLICIES[policy].limits[sampler]) else None
        request = SamplerRequest(sampler, requested)
        again = choose_sampler(request, (policy,), "RUN").plan.cells("LiftCube", policy, 1)
        of_sampler = [(cell.sampler, cell.steps) for cell in cells if cell.sampler == sampler]
        assert sorted(of_sampler) == sorted((cell.sampler, cell.steps) for cell in again)
        if cells[0].sampler == sampler:
            assert of_sampler == [(cell.sampler, cell.steps) for cell in again]
            assert again[0].headline


@pytest.mark.parametrize(
    ("policy", "nfe", "message"),
    [
        (
            "shortcut",
            (1, 3, 10),
            "--nfe 3 10: shortcut takes 1, 2, 4, 8, 16, 32 or 64 network evaluations",
        ),
        ("bc", (10,), "--nfe 10: bc (direct) takes exactly 1 network evaluation"),
        ("mip", (1, 2), "--nfe 1: mip (two_step) takes exactly 2 network evaluations"),
        ("knn", (4,), "--nfe 4: knn (nearest) takes exactly 0 network evaluations"),
    ],
)
def test_a_run_reports_what_it_skips(policy: str, nfe: tuple[int, ...], message: str) -> None:
    planned = plan_run(RunConfig(policy=(policy,), nfe=nfe))
    assert planned.skipped == (message,)
    assert planned.cells("LiftCube", policy, 0), "the rest is evaluated"


def test_numbers_of_a_preset_are_not_reported_for_samplers_without_a_choice() -> None:
    every = tuple(name for name in POLICIES if name != "shortcut")
    assert plan_run(RunConfig(policy=every)).skipped == ()
    (line,) = plan_run(RunConfig(policy=("shortcut",))).skipped
    assert line.startswith("--nfe 10: shortcut takes"), "10 is a row of the other policies"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("nfe", [*NFES, (1, 2), (1, 2, 4, 10), (1, 2, 4, 8, 16, 32), (1, 3, 200)])
def test_every_given_number_of_every_policy_is_evaluated_or_reported(
    nfe: tuple[int, ...], preset: str
) -> None:
    for policy, entry in POLICIES.items():
        planned = plan_run(RunConfig(policy=(policy,), preset=preset, nfe=nfe), nfe_is_given=True)
        for sampler in entry.planned or entry.limits:
            limits = entry.limits[sampler]
            lines = tuple(line for line in planned.skipped if _is_about(line, policy, sampler))
            reported = [int(number) for text in numbers(lines) for number in text.split()]
            assert reported == [count for count in nfe if limits.steps_at(count) is None]
            taken = [count for count in nfe if count not in reported]
            if planned.steps[policy] and leaves_choice(limits):
                steps = planned.steps[policy].get(sampler, ())
                assert [count * limits.evaluations for count in steps] == sorted(taken)


def test_lines_of_several_policies_are_all_reported() -> None:
    for first, second in itertools.permutations(("shortcut", "bc"), 2):
        lines = plan_run(RunConfig(policy=(first, second), nfe=(1, 3))).skipped
        assert numbers(lines) == ["3", "3"]
