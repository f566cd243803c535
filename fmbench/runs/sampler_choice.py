"""Choice of a sampler for the trained policies of a run: name, policies, steps."""

from typing import NamedTuple

from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.plan import Plan, leaves_choice, plan_steps
from policies.catalogue import POLICIES, TOLERANCE
from policies.samplers.names import parse_sampler


class SamplerRequest(NamedTuple):
    """The sampler requested on the command line.

    Attributes:
        sampler: Name of a sampler, with or without a suffix.
        nfe: Network evaluations to compare, distinct; None if the sampler has only one number.
        grid: A time grid.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
    """

    sampler: str
    nfe: tuple[int, ...] | None = None
    grid: str | None = None
    rtol: float | None = None
    atol: float | None = None


class SamplerChoice(NamedTuple):
    """A sampler for the policies of a run.

    Attributes:
        sampler: Its full name, with the suffix of its grid or tolerances.
        nfe: The requested network evaluations, distinct; empty if none were requested.
        plan: Its steps for each policy that takes it.
    """

    sampler: str
    nfe: tuple[int, ...]
    plan: Plan


def choose_sampler(request: SamplerRequest, policies: tuple[str, ...], where: str) -> SamplerChoice:
    """Choose a sampler for those of a run's policies that take it.

    Args:
        request: The requested sampler.
        policies: Names of objectives.
        where: Name of the run in messages.

    Raises:
        FmbenchError: No policy takes it as requested; the message lists what is accepted.
    """
    name, nfe = name_sampler(request), request.nfe
    steps: dict[str, dict[str, tuple[int, ...]]] = {}
    skipped: list[str] = []
    takers = policies_taking(name, policies, where)
    for policy in takers:
        counts, impossible = steps_at(name, policy, nfe)
        if counts:
            steps[policy] = {name: counts}
        if impossible and impossible not in skipped:
            skipped.append(impossible)
    if not steps:
        base = name.partition(":")[0]
        possible = dict.fromkeys(POLICIES[policy].limits[base].possible_nfe for policy in takers)
        raise FmbenchError(_nfe_message(nfe or (), base, " or ".join(possible)))
    return SamplerChoice(name, nfe or (), Plan(steps, tuple(skipped)))


def name_sampler(request: SamplerRequest) -> str:
    """Return the full name of a sampler, with its grid or tolerances.

    Raises:
        FmbenchError: The sampler is unknown, does not take them, or its suffix sets them already.
    """
    sampler, grid, rtol, atol = request.sampler, request.grid, request.rtol, request.atol
    limits = {known: limit for entry in POLICIES.values() for known, limit in entry.limits.items()}
    name, colon, suffix = sampler.partition(":")
    if name not in limits:
        raise unknown("sampler", name, limits)
    flags = {"--grid": grid, "--rtol": rtol, "--atol": atol}
    options = " and ".join(f"{flag} is {v}" for flag, v in flags.items() if v is not None)
    if options and colon:
        raise FmbenchError(f"{options}; --sampler {sampler} sets {suffix!r} already, give only one")
    if grid is not None and not limits[name].grids:
        able = ", ".join(known for known, limit in limits.items() if limit.grids)
        raise FmbenchError(f"{options}; {name} has no time grid, these have one: {able}")
    if (rtol is not None or atol is not None) and not limits[name].adaptive:
        able = ", ".join(known for known, limit in limits.items() if limit.adaptive)
        raise FmbenchError(f"{options}; {name} takes no tolerance, these take one: {able}")
    if grid is not None:
        sampler = f"{name}:{grid}"
    elif options:
        tolerances = (TOLERANCE if value is None else value for value in (rtol, atol))
        sampler = f"{name}:{','.join(map(repr, tolerances))}"
    try:
        return str(parse_sampler("sampler", sampler, limits))
    except ValueError as error:
        raise FmbenchError(str(error)) from None


def policies_taking(sampler: str, policies: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return those of a run's policies that can be sampled with `sampler`.

    Args:
        sampler: Full name of the sampler.
        policies: Names of objectives.
        where: Name of the run in messages.

    Raises:
        FmbenchError: None of these policies takes it.
    """
    name = sampler.partition(":")[0]
    taking = tuple(policy for policy in policies if name in POLICIES[policy].limits)
    if not taking:
        known = "; ".join(f"{policy}: {', '.join(POLICIES[policy].limits)}" for policy in policies)
        raise FmbenchError(f"--sampler is {name}, which no policy of {where} takes; known: {known}")
    return taking


def steps_at(
    sampler: str, policy: str, nfe: tuple[int, ...] | None
) -> tuple[tuple[int, ...], str | None]:
    """Return the steps of a sampler that cost each of `nfe` network evaluations.

    Args:
        sampler: Full name of the sampler.
        policy: An objective that takes it.
        nfe: Network evaluations; None if the sampler has only one number.

    Returns:
        The steps, increasing, and a line about invalid numbers of network evaluations, if any.

    Raises:
        FmbenchError: A number is missing, or was given for an adaptive sampler.
    """
    name = sampler.partition(":")[0]
    limits = POLICIES[policy].limits[name]
    if nfe is None:
        if leaves_choice(limits):
            raise FmbenchError(f"--nfe is missing; {name} takes {limits.possible_nfe}")
        return (limits.default,), None
    if limits.adaptive:
        message = _nfe_message(nfe, name, limits.possible_nfe)
        raise FmbenchError(f"{message}, give --rtol and --atol instead")
    planned = plan_steps(limits, nfe)
    return planned.steps, planned.skipped(name, limits) if planned.impossible else None


def _nfe_message(nfe: tuple[int, ...], sampler: str, possible: str) -> str:
    """Return the error for numbers that a sampler does not take."""
    return f"--nfe is {' '.join(map(str, nfe))}; {sampler} takes {possible}"
