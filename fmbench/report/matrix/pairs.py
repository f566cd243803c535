"""Rows of `comparisons.csv`: all comparisons of the runs of a matrix."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pandas as pd

from fmbench.report.comparisons import ComparisonRow
from fmbench.report.outside import OutsidePairs
from fmbench.report.results import Results

HEADLINE = "headline samplers"
OUTSIDE = "headline samplers, a policy from outside against those of a run"
EQUAL_NFE = "flow with Euler against diffusion with DDIM at equal NFE"
"""What is compared: policies as they are evaluated by default, and two of them step for step."""


@dataclasses.dataclass(frozen=True)
class PairRow(ComparisonRow):
    """Two policies of one run, with its backbone."""

    file_name: ClassVar[str] = "comparisons.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "backbone", "samplers", "policy_a", "policy_b")

    backbone: str = ""
    samplers: str = HEADLINE
    """`HEADLINE`, `OUTSIDE` or `EQUAL_NFE`, whose policies are named with their evaluations."""


def pair_rows(runs: Sequence[Results], equal_nfe: Sequence[pd.DataFrame]) -> Iterator[PairRow]:
    """Yield the comparisons of every finished run.

    Args:
        runs: The runs.
        equal_nfe: Of each run, the comparisons at equal numbers of evaluations.
    """
    for run, at_equal_nfe in zip(runs, equal_nfe, strict=True):
        if run.unfinished:
            continue
        for samplers, table in ((HEADLINE, run.comparisons), (EQUAL_NFE, at_equal_nfe)):
            for row in table.to_dict("records"):
                values = {str(name): value for name, value in row.items()}
                yield PairRow(**values, backbone=run.run.config["backbone"], samplers=samplers)


def pair_rows_of_outside(pairs: Sequence[OutsidePairs]) -> Iterator[PairRow]:
    """Yield the comparisons of policies from outside, with the backbones of both runs."""
    for pair in pairs:
        backbones = " and ".join(
            str(results.run.config["backbone"]) for results in (pair.other, pair.outside)
        )
        for row in pair.table.to_dict("records"):
            values = {str(name): value for name, value in row.items()}
            yield PairRow(**values, backbone=backbones, samplers=OUTSIDE)
