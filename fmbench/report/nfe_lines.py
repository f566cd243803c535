"""Lines of a rate over network evaluations per chunk, however they are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fmbench.storage.rows import REFERENCES

SPREAD = 1.05
"""Factor between the positions of lines that have one number of evaluations."""


class NfeLine(NamedTuple):
    """The points of one policy and sampler, on all tasks.

    Attributes:
        policy: The policy.
        sampler: The sampler.
        place: Which of the policy's samplers it is, from 0.
        shift: Factor of its positions, so that intervals stay legible.
        rows: Its rows, by number of evaluations.
    """

    policy: str
    sampler: str
    place: int
    shift: float
    rows: list[Any]


class NfeLines(NamedTuple):
    """What a figure over network evaluations shows.

    Attributes:
        lines: The lines, by policy and sampler.
        levels: Rows of policies that evaluate no network; they are the same for any number.
        references: Rows of the expert and of random actions.
    """

    lines: list[NfeLine]
    levels: list[Any]
    references: list[Any]


def lines_over_nfe(
    rows: Iterable[Any],
    order: Callable[[str], tuple[float, str]],
    widest: float = math.inf,
) -> NfeLines:
    """Return the lines of a table.

    Args:
        rows: Rows as of `fmbench.report.shown.shown_rows`, or of the frame `shown_summary`.
        order: Sort key of policies.
        widest: Largest factor between the positions of the first and the last line.
    """
    by_key: dict[tuple[str, str], list[Any]] = {}
    levels, references = [], []
    for row in rows:
        if row.policy in REFERENCES:
            references.append(row)
        elif row.nfe > 0:
            by_key.setdefault((row.policy, row.sampler), []).append(row)
        elif row.nfe == 0 and not row.broken:  # the broken ones did not decide
            levels.append(row)
    keys = sorted(by_key, key=lambda key: (order(key[0]), key[1]))
    spread = min(SPREAD, widest ** (1 / max(len(keys) - 1, 1)))
    lines = [
        NfeLine(
            policy,
            sampler,
            [other for name, other in keys if name == policy].index(sampler),
            spread ** (i - (len(keys) - 1) / 2),
            sorted(by_key[policy, sampler], key=lambda row: float(row.nfe)),
        )
        for i, (policy, sampler) in enumerate(keys)
    ]
    return NfeLines(lines, levels, references)
