"""Rows of several runs in one table: those of the references once, those of a policy from one."""

import dataclasses

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.comparable import without_repeats
from fmbench.report.curve.rows import CurveRow
from fmbench.report.summary import shared_values

EXPERT = CurveRow("LiftCube", "expert", 0, "", 0, 1, 10, 1.0, 0.7, 1.0, "")
FLOW = CurveRow("LiftCube", "flow", 50, "euler", 10, 1, 10, 0.9, 0.6, 1.0, "bc")


def about(row: CurveRow) -> str:
    return f"{row.policy} with {row.demos}"


def test_equal_rows_of_a_reference_are_one() -> None:
    more = dataclasses.replace(FLOW, demos=100)
    rows = [EXPERT, FLOW, dataclasses.replace(EXPERT), more]
    assert without_repeats(rows, about) == [EXPERT, FLOW, more]


@pytest.mark.parametrize(
    ("again", "what"),
    [
        (dataclasses.replace(EXPERT, episodes=9), "expert with 0"),
        (dataclasses.replace(FLOW), "flow with 50"),
    ],
)
def test_other_rows_of_one_key_are_rejected(again: CurveRow, what: str) -> None:
    with pytest.raises(FmbenchError, match=f"^two runs have {what}; only equal rows of expert and"):
        without_repeats([EXPERT, FLOW, again], about)


def test_values_are_shared_by_the_names_of_columns() -> None:
    row = {"task": "LiftCube", "low": 0.5, "headline": True}
    assert shared_values(row, CurveRow) == {"task": "LiftCube", "low": 0.5}
