"""Sampler steps of an evaluation: the interpretation of `--nfe`, for all commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fmbench.config import PRESETS, RunConfig
from fmbench.evaluation.acting import Acting, plan_acting
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell
from fmbench.evaluation.disturbances import disturbed_cells
from policies.catalogue import POLICIES, StepLimits


class StepPlan(NamedTuple):
    """The steps of a sampler for the numbers of `--nfe`.

    Attributes:
        steps: The steps that cost these numbers of network evaluations, increasing.
        impossible: The numbers that cannot be reached, in their given order.
    """

    steps: tuple[int, ...]
    impossible: tuple[int, ...]

    def skipped(self, name: str, limits: StepLimits) -> str:
        """Return a line with the numbers that `name` cannot take, and those it can."""
        return f"--nfe {' '.join(map(str, self.impossible))}: {name} takes {limits.possible_nfe}"


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
            policy without samplers cannot be evaluated.
        skipped: One line per sampler with its impossible numbers of network evaluations, and per
            execution that a policy cannot do.
        acting: Policy to the ways in which it acts besides the plain one.
    """

    steps: Mapping[str, Mapping[str, tuple[int, ...]]]
    skipped: tuple[str, ...]
    acting: Mapping[str, tuple[Acting, ...]] = field(default_factory=dict)

    def cells(self, task: str, policy: str, train_seed: int) -> list[Cell]:
        """Return the cells of one trained policy, its headline first.

        The headline is the objective's default sampler, or the only one, at its largest step count.
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

    def size(self, config: RunConfig, references: bool = True) -> int | None:
        """Return the number of cells of a run; None if delays are measured.

        A measured delay may be one that was given, too, or be missing.

        Args:
            config: The run.
            references: Whether it plays the expert and random actions.
        """
        is_measured = any(way.delay is None for ways in self.acting.values() for way in ways)
        return None if is_measured else self.most_cells(config, references)

    def most_cells(self, config: RunConfig, references: bool = True) -> int:
        """Return the largest number of cells: references, and policies with all their seeds.

        Those with disturbances are among them.
        """
        cells = sum(
            len(counts) * (1 + len(self.acting.get(policy, ())))
            for policy, samplers in self.steps.items()
            for counts in samplers.values()
        )
        played = len((EXPERT, RANDOM)) if references else 0
        plain = len(config.task) * (played + config.seeds * cells)
        return plain + sum(self._disturbed(task, config, references) for task in config.task)

    def _disturbed(self, task: str, config: RunConfig, references: bool) -> int:
        """Return the number of cells of a task with disturbances."""
        of_expert = disturbed_cells(Cell(task, EXPERT), config.perturb) if references else ()
        of_each = disturbed_cells(Cell(task, ""), config.perturb)
        policies = sum(bool(samplers) for samplers in self.steps.values())
        return len(of_expert) + config.seeds * policies * len(of_each)


def plan_run(config: RunConfig, nfe_is_given: bool = False) -> Plan:
    """Plan the evaluation of a run with the planned samplers of its objectives.

    Samplers with a choice of steps take every number of `--nfe` that they can; the others take
    their only number of steps, and their skipped numbers are reported unless they are the preset's
    and nobody asked for them. A policy has no samplers if its default sampler can take none of the
    numbers.

    Args:
        config: The run.
        nfe_is_given: Whether the user gave the numbers, even if they equal the preset's.
    """
    of_preset = PRESETS.get(config.preset, {}).get("nfe", RunConfig.nfe)
    is_explicit = nfe_is_given or config.nfe != of_preset
    steps: dict[str, dict[str, tuple[int, ...]]] = {}
    skipped: list[str] = []
    for policy in config.policy:
        entry = POLICIES[policy]
        steps_by_sampler: dict[str, tuple[int, ...]] = {}
        for sampler in entry.planned or entry.limits:
            limits = entry.limits[sampler]
            planned = plan_steps(limits, config.nfe)
            has_choice = leaves_choice(limits)
            if counts := planned.steps if has_choice else (limits.default,):
                steps_by_sampler[sampler] = counts
            if planned.impossible and (has_choice or is_explicit):
                name = policy if policy == sampler else f"{policy} ({sampler})"
                skipped.append(planned.skipped(name, limits))
        steps[policy] = steps_by_sampler if entry.default_sampler in steps_by_sampler else {}
    acting, impossible = plan_acting(config)
    return Plan(steps, (*skipped, *impossible), acting)
