"""Lines of a rate over network evaluations per chunk, however they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

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
    rows: pd.DataFrame


class NfeLines(NamedTuple):
    """What a figure over network evaluations shows.

    Attributes:
        lines: The lines, by policy and sampler.
        levels: Rows of policies that evaluate no network; they are the same for any number.
        references: Rows of the expert and of random actions.
    """

    lines: list[NfeLine]
    levels: pd.DataFrame
    references: pd.DataFrame


def lines_over_nfe(table: pd.DataFrame, order: Callable[[str], tuple[float, str]]) -> NfeLines:
    """Return the lines of a table.

    Args:
        table: Rows of `fmbench.report.shown.shown_summary`.
        order: Sort key of policies.
    """
    is_reference = table["policy"].isin(REFERENCES)
    compared = table[~is_reference]
    learned = compared[compared["nfe"] > 0]
    keys = sorted(
        set(zip(learned["policy"], learned["sampler"], strict=True)),
        key=lambda key: (order(key[0]), key[1]),
    )
    lines = [
        NfeLine(
            policy,
            sampler,
            [other for name, other in keys if name == policy].index(sampler),
            SPREAD ** (i - (len(keys) - 1) / 2),
            learned[(learned["policy"] == policy) & (learned["sampler"] == sampler)].sort_values(
                "nfe", kind="stable"
            ),
        )
        for i, (policy, sampler) in enumerate(keys)
    ]
    levels = compared[(compared["nfe"] == 0) & ~compared["broken"]]  # the others did not decide
    return NfeLines(lines, levels, table[is_reference])
