"""Numbers in words: what there is one of stands in the singular."""

import pytest

from fmbench.report.counted import counted, spanned
from fmbench.report.design_note import design_note


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (0, "0 seeds"),
        (1, "1 seed"),
        (2, "2 seeds"),
        ([1, 1], "1 seed"),
        ([3, 1], "1 or 3 seeds"),
    ],
)
def test_one_thing_is_in_the_singular(numbers: int | list[int], text: str) -> None:
    assert counted(numbers, "seed") == text


def test_a_range_of_one_is_a_number() -> None:
    assert spanned(0, 0, "seed") == "seed 0"
    assert spanned(0, 4, "seed") == "seeds 0 to 4"
    assert (spanned(7, 7), spanned(7, 9)) == ("7", "7 to 9")


def test_a_design_of_one_seed_and_episode_is_told_in_the_singular() -> None:
    assert "by 1 training seed x 1 episode: " in design_note(1, 1, comparisons=1)
