"""Choose a sampler for the trained policies of a run: which take it, and in how many steps."""

from fmbench.errors import FmbenchError, unknown
from policies.objectives import OBJECTIVES


def policies_taking(sampler: str, policies: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return those of a run's policies that can be sampled with `sampler`.

    Args:
        sampler: The sampler.
        policies: Names of objectives.
        where: Names the run in messages.

    Raises:
        FmbenchError: No objective knows the sampler, or none of these policies takes it.
    """
    known = {name for objective in OBJECTIVES.values() for name in objective.limits}
    if sampler not in known:
        raise unknown("sampler", sampler, known)
    taking = tuple(policy for policy in policies if sampler in OBJECTIVES[policy].limits)
    if not taking:
        taken = "; ".join(
            f"{policy}: {', '.join(OBJECTIVES[policy].limits)}" for policy in policies
        )
        raise FmbenchError(f"no policy of {where} takes {sampler}; possible: {taken}")
    return taking


def steps_at(sampler: str, policy: str, nfe: tuple[int, ...]) -> tuple[int, ...]:
    """Return the steps of a sampler that cost each of `nfe` network evaluations.

    Raises:
        FmbenchError: Some numbers are impossible; the message names those that are possible.
    """
    limits = OBJECTIVES[policy].limits[sampler]
    steps = [limits.steps_at(count) for count in nfe]
    bad = [str(count) for count, found in zip(nfe, steps, strict=True) if found is None]
    if bad:
        raise FmbenchError(f"--nfe {' '.join(bad)}: {sampler} takes {limits.possible_nfe}")
    return tuple(found for found in steps if found is not None)
