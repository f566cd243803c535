"""A seal changes with every value of a row, and with the column in which a value stands."""

import dataclasses
import itertools

import pytest

from fmbench.storage.rows import CellRow, DiagnosticRow, MeasurementRow, OriginRow, columns
from fmbench.storage.rows import later_columns as later
from fmbench.storage.seals import is_sealed, sealed

NAMES = ("LiftCube", "reflow", "euler", 10, 0)
ORIGIN = OriginRow(*NAMES, 0, "a", "b", "c", "d", "e", "cpu", "python=3.11")
COST = MeasurementRow(*NAMES, False, 1000, 300, 1.5, None, None)
CHUNKS = DiagnosticRow(*NAMES, 0, 0, None, None, None)
VALUES = {int: 300, float | None: 0.5, bool: True, str: "rtc"}
EARLIER = [
    (COST, "f237c2f330f63fbb"),
    (dataclasses.replace(COST, teacher_updates=300), "96ca3aca6fe244b0"),
    (dataclasses.replace(COST, rows_per_update=300.0), "367044551a7e1bf5"),
]
"""Rows with the seals that the version without names has written."""


def seal(row: CellRow) -> str:
    return sealed(ORIGIN, [row], type(row)).rows_hash


@pytest.mark.parametrize("row", [COST, CHUNKS])
def test_no_two_later_columns_give_a_value_the_same_seal(row: CellRow) -> None:
    kinds = columns(type(row))
    one_value = [
        dataclasses.replace(row, **{name: VALUES[kinds[name]]}) for name in later(type(row))
    ]
    seals = [seal(each) for each in (row, *one_value)]
    assert len(set(seals)) == len(seals) == 1 + len(later(type(row)))


def test_a_moved_value_is_found() -> None:
    starts, rate = ("starts", "start_samples"), ("bridge_rate", "bridge_error", "minor_way")
    for group, value in ((starts, 256), (rate, 0.25)):
        for here, there in itertools.permutations(group, 2):
            stated = sealed(ORIGIN, [dataclasses.replace(CHUNKS, **{here: value})], DiagnosticRow)
            moved = dataclasses.replace(CHUNKS, **{there: value})
            assert not is_sealed(stated, [moved], DiagnosticRow)


@pytest.mark.parametrize(("row", "earlier"), EARLIER)
def test_seals_of_earlier_versions_are_accepted(row: MeasurementRow, earlier: str) -> None:
    origin = dataclasses.replace(ORIGIN, rows_hash=earlier)
    assert is_sealed(origin, iter([row]), MeasurementRow)
    assert not is_sealed(origin, [dataclasses.replace(row, updates=301)], MeasurementRow)


def test_a_seal_without_later_values_is_that_of_earlier_versions() -> None:
    row, earlier = EARLIER[0]
    assert seal(row) == earlier


def test_a_plain_setting_does_not_change_the_seal_and_any_other_does() -> None:
    stated = sealed(ORIGIN, [COST], MeasurementRow)
    assert stated.rows_hash == "f237c2f330f63fbb"
    for change in ({"delay": 1}, {"execution": "rtc"}, {"perturb": "mass=2"}):
        moved = dataclasses.replace(stated, **change)
        assert moved.is_plain is False
        assert not is_sealed(moved, [dataclasses.replace(COST, **change)], MeasurementRow)
