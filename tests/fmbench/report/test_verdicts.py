"""Words of verdicts, in their order."""

import math

import numpy as np
import pytest

from fmbench.report.over_seeds import difference_over_seeds, seeds_of
from fmbench.report.power import Design, detectable_difference, power_of, seeds_to_decide
from fmbench.report.verdicts import MAX_SEEDS, Verdict, definitions, verdict_of


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "expected"),
    [
        (0.01, 0.20, 0.01, Verdict("ahead", 1)),
        (-0.20, -0.01, 0.01, Verdict("behind", -1)),
        (0.01, 0.04, 0.01, Verdict("ahead", 1, True)),
        (-0.04, -0.01, 0.01, Verdict("behind", -1, True)),
        (0.01, 0.04, 0.20, Verdict("equivalent")),
        (0.01, 0.20, 0.20, Verdict("non-inferior", 1)),
        (-0.01, 0.20, 0.01, Verdict("non-inferior", 1)),
        (-0.04, 0.04, 1.00, Verdict("equivalent")),
        (-0.04, 0.06, 1.00, Verdict("non-inferior", 1)),
        (-0.06, 0.04, 1.00, Verdict("non-inferior", -1)),
        (-0.05, 0.05, 1.00, Verdict("undecided")),
        (-0.30, 0.30, 1.00, Verdict("undecided")),
        (math.nan, math.nan, math.nan, Verdict("not comparable")),
    ],
)
def test_word_follows_from_interval_margin_and_adjusted_p(low, high, p_holm, expected) -> None:
    assert verdict_of(low, high, p_holm) == expected
    if expected.word != "not comparable":
        mirror = verdict_of(-high, -low, p_holm)
        words = {"ahead": "behind", "behind": "ahead"}
        assert mirror.word == words.get(expected.word, expected.word)
        assert mirror.favours == -expected.favours


def test_margin_is_stated_in_points_and_decides() -> None:
    assert verdict_of(-0.04, 0.04, 1.0, margin=0.02).word == "undecided"
    assert "±2.5 points" in definitions(0.025)


def test_seeds_that_would_decide_are_the_fewest_that_do() -> None:
    a, b = seeds_of([95, 90, 97], 100), seeds_of([88, 80, 90], 100)
    needed = seeds_to_decide(a, b)
    assert 3 < needed <= MAX_SEEDS
    assert seeds_to_decide(a._replace(seeds=needed - 1), b._replace(seeds=needed - 1)) == needed
    same = seeds_of([50, 50], 100)
    assert seeds_to_decide(same, same, margin=0.001) == MAX_SEEDS + 1
    assert seeds_to_decide(same, same, margin=0.5) == 3


def test_many_pairs_together_have_the_numbers_of_each_alone() -> None:
    generator = np.random.default_rng(0)
    counts = generator.binomial(50, generator.beta(1.5, 0.5, (2, 40, 1)), (2, 40, 3))
    counts[:, 0] = [[50, 50, 50], [0, 0, 0]]
    pairs = [[seeds_of(row, 50) for row in side] for side in counts]
    a, b = (seeds_of(side, 50) for side in counts)
    together = difference_over_seeds(a, b)
    alone = [difference_over_seeds(*pair) for pair in zip(*pairs, strict=True)]
    assert np.array_equal(np.transpose(together), np.array(alone))
    assert together.p.max() == 1.0 > together.p.min()
    for comparisons, margin in ((1, 0.05), (40, 0.01)):
        needed = seeds_to_decide(a, b, comparisons, margin)
        each = [seeds_to_decide(*p, comparisons, margin) for p in zip(*pairs, strict=True)]
        assert np.array_equal(needed, np.array(each))
        assert len(set(needed)) > 3


def test_smallest_difference_is_found_as_often_as_stated_and_no_smaller_one() -> None:
    for design in (Design(1, 100), Design(5, 100), Design(3, 50, comparisons=3)):
        found = detectable_difference(design, 0.9)
        assert power_of(design, 0.9, 0.9 - found) >= 0.8 > power_of(design, 0.9, 0.91 - found)


def test_more_seeds_episodes_and_fewer_comparisons_find_less() -> None:
    base = detectable_difference(Design(3, 100), 0.5)
    assert detectable_difference(Design(10, 100), 0.5) < base
    assert detectable_difference(Design(3, 20), 0.5) > base
    assert detectable_difference(Design(3, 100, spread=0.3), 0.5) > base
    assert math.isnan(detectable_difference(Design(3, 100, comparisons=1000), 0.5))
