"""Label, colour and rank of policies in tables and figures.

What `run.json` records takes precedence over the catalogue, so a run with a user's policy is drawn
the same way where that policy is not installed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from fmbench.storage.rows import REFERENCES
from fmbench.storage.run_facts import Look, RunFacts, read_look
from policies.catalogue import BACKBONES, MORE_COLOURS, POLICIES, SAMPLERS


def record_looks(policies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the looks of registered policies as `run.json` records them."""
    return {name: dataclasses.asdict(_registered(name)) for name in policies}


class Looks:
    """The looks of every policy in the tables of one or several runs.

    Args:
        runs: The facts of each run; the first run that records a policy decides.

    Raises:
        FmbenchError: A recorded look is malformed.
    """

    def __init__(self, *runs: RunFacts) -> None:
        self._recorded: dict[str, Look] = {}
        self._outside = {name for run in runs if run.outside is not None for name in run.policies}
        for run in runs:
            for name, values in run.policies.items():
                self._recorded.setdefault(name, read_look(name, values))

    def is_known(self, policy: str) -> bool:
        """Return whether a policy belongs to the study, so that only its objective should differ.

        Some differ in more and cause a warning: a mixture has more outputs, retrieval no network.
        """
        return policy in (self._recorded or POLICIES)

    def is_outside(self, policy: str) -> bool:
        """Return whether a policy was trained by another library."""
        return policy in self._outside

    def label(self, policy: str) -> str:
        """Return the name of a policy in tables and figures."""
        look = self._look(policy)
        return look.label if look else policy

    def order(self, policy: str) -> tuple[float, str]:
        """Return a sort key: expert, random, known policies by place, then the others by name."""
        if policy in REFERENCES:
            return (REFERENCES.index(policy) - len(REFERENCES) - 1e9, policy)
        look = self._look(policy)
        return (look.place if look else 1e9, policy)

    def colours(self, policies: Sequence[str]) -> dict[str, str]:
        """Assign every policy its colour; unknown policies get unused colours, in order.

        So do policies from outside whose colour another one has.
        """
        looks = {policy: self._look(policy) for policy in policies}
        colours: dict[str, str] = {}
        for policy, look in looks.items():
            if look and not (policy in self._outside and look.colour in colours.values()):
                colours[policy] = look.colour
        free = [colour for colour in MORE_COLOURS if colour not in colours.values()] or MORE_COLOURS
        others = [policy for policy in policies if policy not in colours]
        colours |= {policy: free[i % len(free)] for i, policy in enumerate(others)}
        return {policy: colours[policy] for policy in policies}

    def _look(self, policy: str) -> Look | None:
        if policy in self._recorded:
            return self._recorded[policy]
        return _registered(policy) if policy in POLICIES else None


OF_CATALOGUE = Looks()
"""Looks of runs that record none: those of the catalogue."""


def backbone_order(backbone: str) -> tuple[int, str]:
    """Return a sort key: no backbone, those of the catalogue in order, then the others by name."""
    known = ("", *BACKBONES)
    return (known.index(backbone) if backbone in known else len(known), backbone)


def has_choice_of_steps(sampler: str) -> bool:
    """Return whether the number of steps of a sampler is a choice, and so must be shown."""
    if sampler not in SAMPLERS or SAMPLERS[sampler].target:
        return True
    limits = SAMPLERS[sampler].limits
    return limits.lowest != limits.highest


def _registered(policy: str) -> Look:
    entry = POLICIES[policy]
    return Look(entry.label or policy, entry.colour, entry.place)
