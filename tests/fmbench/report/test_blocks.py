"""What two blocks of test seeds say, in words and rows."""

from dataclasses import replace

import pytest

from fmbench.report.blocks.rows import OVERALL, BlockRow
from fmbench.report.blocks.text import conclusion
from fmbench.report.looks import OF_CATALOGUE

CELL = BlockRow("LiftCube", "flow", "euler", 10, True, 3, 100, 0.9, 0.8, -0.1, -0.2, 0.0, 0.05, 0.2)
ALL = BlockRow(*OVERALL, False, 3, 100, 0.9, 0.8, -0.1, -0.2, 0.0, 0.05, None)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.03, -0.01, "(95 % interval −3.0 to −1.0), the mean over 1 cell of 1 task: they are "
         "lower, by more than the choice of starts explains. The first block flatters these "
         "policies, as if they had been fitted to it, within the margin of 5 points. "),
        (-0.08, -0.01, "as if they had been fitted to it. No single cell"),
        (0.01, 0.08, "they are higher, so nothing indicates that they were fitted to the first "),
        (-0.02, 0.01, "no difference is shown. If the first block flatters these policies, then by "
         "at most 2.0 points, within the margin of 5 points. No single cell differs after Holm's "
         "adjustment over 1 cell."),
        (-0.2, 0.0, "by at most 20.0 points. No"),
    ],
)  # fmt: skip
def test_the_sentence_follows_from_the_interval(low: float, high: float, expected: str) -> None:
    overall = replace(ALL, difference=(low + high) / 2, low=low, high=high)
    words = conclusion([CELL, overall], OF_CATALOGUE, 0.05)
    assert expected in words
    assert words.startswith("From the first block of test seeds to the second, success rates ")


def test_cells_that_differ_are_named_the_largest_first() -> None:
    cells = [
        replace(CELL, steps=steps, difference=-0.01 * steps, p_holm=0.001) for steps in range(1, 9)
    ]
    words = conclusion([*cells, ALL], OF_CATALOGUE, 0.05)
    assert "8 cells differ after Holm's adjustment over 8 cells: flow, euler 8 on LiftCube" in words
    assert words.endswith("flow, euler 3 on LiftCube (−3.0); and 2 more.")


def test_without_a_policy_nothing_is_said() -> None:
    expert = replace(CELL, policy="expert", p_holm=None)
    assert conclusion([expert], OF_CATALOGUE, 0.05) == (
        "No policy can be compared on the two blocks."
    )
