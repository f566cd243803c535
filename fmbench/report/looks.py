"""How policies are shown: label, colour and place, from a run's own file and from the catalogue.

What a run says of its policies comes first, so that a run with a user's policy is drawn the same
where that policy is not installed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.storage.run_facts import RunFacts
from policies.catalogue import BACKBONES, MORE_COLOURS, POLICIES, SAMPLERS

REFERENCES = ("expert", "random")
"""Ceiling and floor: shown in every table, compared with nobody."""


@dataclasses.dataclass(frozen=True)
class Look:
    """How one policy is shown; see `policies.catalogue.PolicyEntry`."""

    label: str
    colour: str
    place: int


def record_looks(policies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what `run.json` says of the looks of registered policies."""
    return {name: dataclasses.asdict(_registered(name)) for name in policies}


class Looks:
    """The looks of every policy in the tables of one run, or of several.

    Args:
        runs: What `run.json` says of each run; the first that says something of a policy decides.

    Raises:
        FmbenchError: What one says of a policy is no look.
    """

    def __init__(self, *runs: RunFacts) -> None:
        self._recorded: dict[str, Look] = {}
        for run in runs:
            for name, values in run.policies.items():
                self._recorded.setdefault(name, _read(name, values))

    def is_known(self, policy: str) -> bool:
        """Return whether a run trained a policy, or could: then only its objective should differ.

        Some differ in more, which is said: a mixture has more outputs, retrieval has no network.
        """
        return policy in (self._recorded or POLICIES)

    def label(self, policy: str) -> str:
        """Return what a policy is called."""
        look = self._look(policy)
        return look.label if look else policy

    def order(self, policy: str) -> tuple[float, str]:
        """Sort key of policies: expert, random, then by place; the unknown ones last, by name."""
        if policy in REFERENCES:
            return (REFERENCES.index(policy) - len(REFERENCES) - 1e9, policy)
        look = self._look(policy)
        return (look.place if look else 1e9, policy)

    def colours(self, policies: Sequence[str]) -> dict[str, str]:
        """Give every policy its colour; those without one share what the others leave, in order."""
        looks = {policy: self._look(policy) for policy in policies}
        found = {policy: look.colour for policy, look in looks.items() if look}
        free = [colour for colour in MORE_COLOURS if colour not in found.values()] or MORE_COLOURS
        others = [policy for policy, look in looks.items() if not look]
        return found | {policy: free[i % len(free)] for i, policy in enumerate(others)}

    def _look(self, policy: str) -> Look | None:
        if policy in self._recorded:
            return self._recorded[policy]
        return _registered(policy) if policy in POLICIES else None


OF_CATALOGUE = Looks()
"""Of runs that say nothing of their policies."""


def backbone_order(backbone: str) -> tuple[int, str]:
    """Sort key of backbones: none, those of the catalogue, then the others by name."""
    known = ("", *BACKBONES)
    return (known.index(backbone) if backbone in known else len(known), backbone)


def has_choice_of_steps(sampler: str) -> bool:
    """Return whether a reader has to be told the steps of a sampler."""
    return sampler not in SAMPLERS or bool(SAMPLERS[sampler].target)


def _registered(policy: str) -> Look:
    entry = POLICIES[policy]
    return Look(entry.label or policy, entry.colour, entry.place)


def _read(policy: str, values: object) -> Look:
    """Check the look that a file says of a policy."""
    known = {"label": str, "colour": str, "place": int}
    if (
        isinstance(values, dict)
        and {name: type(value) for name, value in values.items()} == known
        and re.fullmatch(r"#[0-9A-Fa-f]{6}", values["colour"])
    ):
        return Look(**values)
    raise FmbenchError(f"run.json: the look of {policy} is {values!r}; give {', '.join(known)}")
