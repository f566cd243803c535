"""Choose a sampler for the trained policies of a run: its name, who takes it, in how many steps."""

from typing import NamedTuple

from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.plan import Plan, leaves_choice, plan_steps
from policies.catalogue import POLICIES, TOLERANCE
from policies.samplers.names import parse_sampler


class SamplerRequest(NamedTuple):
    """What was asked for.

    Attributes:
        sampler: Name of a sampler, with or without a suffix.
        nfe: Network evaluations to compare at, distinct; None where the sampler leaves no choice.
        grid: A time grid.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
    """

    sampler: str
    nfe: tuple[int, ...] | None = None
    grid: str | None = None
    rtol: float | None = None
    atol: float | None = None


class Choice(NamedTuple):
    """A sampler on the policies of a run.

    Attributes:
        sampler: Its one name, with the suffix of its grid or tolerances.
        nfe: Network evaluations that were asked for, distinct; empty if none were.
        plan: Its steps, for each policy that takes it.
    """

    sampler: str
    nfe: tuple[int, ...]
    plan: Plan


def choose_sampler(request: SamplerRequest, policies: tuple[str, ...], where: str) -> Choice:
    """Choose a sampler for those of a run's policies that take it.

    Args:
        request: What was asked for.
        policies: Names of objectives.
        where: Names the run in messages.

    Raises:
        FmbenchError: Nothing of this is possible; the message says what is.
    """
    name, nfe = name_sampler(request), request.nfe
    steps: dict[str, dict[str, tuple[int, ...]]] = {}
    skipped: list[str] = []
    for policy in policies_taking(name, policies, where):
        found, impossible = steps_at(name, policy, nfe)
        if found:
            steps[policy] = {name: found}
        if impossible and impossible not in skipped:
            skipped.append(impossible)
    if not steps:
        raise FmbenchError("; ".join(skipped))
    return Choice(name, nfe or (), Plan(steps, tuple(skipped)))


def name_sampler(request: SamplerRequest) -> str:
    """Return the one name of a sampler with the grid or the tolerances that were given beside it.

    Raises:
        FmbenchError: The sampler is unknown, or does not take them, or names others already.
    """
    sampler, grid, rtol, atol = request.sampler, request.grid, request.rtol, request.atol
    limits = {
        each: limit for objective in POLICIES.values() for each, limit in objective.limits.items()
    }
    name, colon, suffix = sampler.partition(":")
    if name not in limits:
        raise unknown("sampler", name, limits)
    flags = {"--grid": grid, "--rtol": rtol, "--atol": atol}
    given = " ".join(f"{flag} {value}" for flag, value in flags.items() if value is not None)
    if given and colon:
        raise FmbenchError(f"{given}: --sampler {sampler} says {suffix!r} already; give one")
    if grid is not None and not limits[name].grids:
        able = ", ".join(each for each, limit in limits.items() if limit.grids)
        raise FmbenchError(f"--grid {grid}: {name} has no time grid; a grid is for {able}")
    if (rtol is not None or atol is not None) and not limits[name].adaptive:
        able = ", ".join(each for each, limit in limits.items() if limit.adaptive)
        raise FmbenchError(f"{given}: {name} takes no tolerance; a tolerance is for {able}")
    if grid is not None:
        sampler = f"{name}:{grid}"
    elif given:
        tolerances = (TOLERANCE if value is None else value for value in (rtol, atol))
        sampler = f"{name}:{','.join(map(repr, tolerances))}"
    try:
        return str(parse_sampler("sampler", sampler, limits))
    except ValueError as error:
        raise FmbenchError(str(error)) from None


def policies_taking(sampler: str, policies: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return those of a run's policies that can be sampled with `sampler`.

    Args:
        sampler: The sampler's one name.
        policies: Names of objectives.
        where: Names the run in messages.

    Raises:
        FmbenchError: None of these policies takes it.
    """
    name = sampler.partition(":")[0]
    taking = tuple(policy for policy in policies if name in POLICIES[policy].limits)
    if not taking:
        taken = "; ".join(f"{policy}: {', '.join(POLICIES[policy].limits)}" for policy in policies)
        raise FmbenchError(f"no policy of {where} takes {name}; possible: {taken}")
    return taking


def steps_at(
    sampler: str, policy: str, nfe: tuple[int, ...] | None
) -> tuple[tuple[int, ...], str | None]:
    """Return the steps of a sampler that cost each of `nfe` network evaluations.

    Args:
        sampler: The sampler's one name.
        policy: An objective that takes it.
        nfe: Network evaluations; None where the sampler leaves no choice.

    Returns:
        The steps, increasing, and a line about the numbers that are impossible, if there are any.

    Raises:
        FmbenchError: A number is missing, or was given to a sampler that chooses its own.
    """
    name = sampler.partition(":")[0]
    limits = POLICIES[policy].limits[name]
    if nfe is None:
        if leaves_choice(limits):
            raise FmbenchError(f"--nfe is missing: {name} takes {limits.possible_nfe}")
        return (limits.default,), None
    planned = plan_steps(limits, nfe)
    line = planned.skipped(name, limits)
    if limits.adaptive:
        raise FmbenchError(f"{line}; give --rtol and --atol instead")
    return planned.steps, line if planned.impossible else None
