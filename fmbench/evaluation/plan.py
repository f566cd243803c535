"""Plan in how many steps policies are evaluated: the one reader of `--nfe`, for every command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fmbench.config import PRESETS, RunConfig
from fmbench.evaluation.cells import Cell
from policies.catalogue import POLICIES, StepLimits


class StepPlan(NamedTuple):
    """What a sampler makes of the numbers of `--nfe`.

    Attributes:
        steps: The steps that cost these network evaluations, increasing.
        impossible: The numbers that no steps cost, in the order in which they were given.
    """

    steps: tuple[int, ...]
    impossible: tuple[int, ...]

    def skipped(self, who: str, limits: StepLimits) -> str:
        """Say what `who` cannot take, and what it can."""
        return f"--nfe {' '.join(map(str, self.impossible))}: {who} takes {limits.possible_nfe}"


def plan_steps(limits: StepLimits, nfe: Sequence[int]) -> StepPlan:
    """Return the steps of a sampler that cost each of `nfe` network evaluations."""
    steps_by_nfe = {count: limits.steps_at(count) for count in nfe}
    steps = sorted(steps for steps in steps_by_nfe.values() if steps is not None)
    impossible = [count for count, steps in steps_by_nfe.items() if steps is None]
    return StepPlan(tuple(steps), tuple(impossible))


def leaves_choice(limits: StepLimits) -> bool:
    """Return whether a sampler can take more than one number of steps."""
    return limits.lowest != limits.highest


@dataclass(frozen=True)
class Plan:
    """The samplers of several policies, each with its steps.

    Attributes:
        steps: Policy to its samplers, each with its numbers of steps, distinct and increasing; a
            policy without any cannot be evaluated.
        skipped: One line for each sampler and its impossible numbers of network evaluations.
    """

    steps: Mapping[str, Mapping[str, tuple[int, ...]]]
    skipped: tuple[str, ...]

    def cells(self, task: str, policy: str, train_seed: int) -> list[Cell]:
        """Return the cells of one trained policy, its headline first.

        The headline is the objective's default sampler, or the only one, at its most steps.
        """
        samplers = self.steps[policy]
        if not samplers:
            return []
        default = POLICIES[policy].default_sampler
        leading = default if default in samplers else next(iter(samplers))
        headline = (leading, max(samplers[leading]))
        pairs = [(sampler, steps) for sampler, counts in samplers.items() for steps in counts]
        return [
            Cell(task, policy, sampler, steps, train_seed, (sampler, steps) == headline)
            for sampler, steps in sorted(pairs, key=lambda pair: pair != headline)
        ]


def plan_run(config: RunConfig) -> Plan:
    """Plan the evaluation of a run: the samplers that its objectives are evaluated with unasked.

    Those that leave a choice take every number of `--nfe` that they can, the others their only one.
    What these skip is said where the numbers are not the preset's own. A policy has no samplers if
    its default one can take none of the numbers.
    """
    asked = config.nfe != PRESETS.get(config.preset, {}).get("nfe", RunConfig.nfe)
    steps: dict[str, dict[str, tuple[int, ...]]] = {}
    skipped: list[str] = []
    for policy in config.policy:
        entry = POLICIES[policy]
        found: dict[str, tuple[int, ...]] = {}
        for sampler in entry.planned or entry.limits:
            limits = entry.limits[sampler]
            planned = plan_steps(limits, config.nfe)
            is_open = leaves_choice(limits)
            if counts := planned.steps if is_open else (limits.default,):
                found[sampler] = counts
            if planned.impossible and (is_open or asked):
                who = policy if policy == sampler else f"{policy} ({sampler})"
                skipped.append(planned.skipped(who, limits))
        steps[policy] = found if entry.default_sampler in found else {}
    return Plan(steps, tuple(skipped))
