"""What docs/results.md says of the search for a recipe follows from its trials."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2_contingency

from policies.catalogue import BACKBONES

ROOT = Path(__file__).resolve().parents[2]
TEXT = " ".join((ROOT / "docs" / "results.md").read_text(encoding="utf-8").split())


def best_of_equal(rates: np.ndarray, trials: int, margin: int) -> tuple[float, float]:
    """Return how far the best of some equal trials is above the first one, by chance.

    Args:
        rates: True success rate of each cell of a trial, of 100 episodes each.
        trials: Number of trials.
        margin: A number of successes.

    Returns:
        The expected excess, in successes, and the probability that it is at least the margin.
    """
    chance = np.ones(1)
    for rate in rates:
        chance = np.convolve(chance, binom.pmf(np.arange(101), 100, rate))
    below = np.cumsum(chance)  # P(successes <= k)
    counts = np.arange(len(chance))
    excess = float((1 - below**trials).sum() - chance @ counts)
    others = below[np.minimum(counts + margin - 1, len(counts) - 1)] ** (trials - 1)
    return excess, float(chance @ (1 - others))


def test_the_best_of_equal_trials_is_that_of_a_simulation() -> None:
    rates, trials = np.array([0.9, 0.05]), 12
    drawn = np.random.default_rng(0).binomial(100, rates, (20_000, trials, 2)).sum(axis=2)
    above = drawn.max(axis=1) - drawn[:, 0]
    excess, probability = best_of_equal(rates, trials, 8)
    assert excess == pytest.approx(above.mean(), abs=5 * above.std() / 20_000**0.5)
    assert probability == pytest.approx((above >= 8).mean(), abs=0.02)


def test_the_search_is_described_by_its_trials() -> None:
    rows = pd.read_csv(ROOT / "results" / "recipes" / "dit" / "trials.csv")
    assert set(rows["episodes"]) == {100}
    cells = rows.pivot(index="trial", columns=["task", "policy"], values="successes")
    recipes = rows.groupby("trial").first()
    present = BACKBONES["dit"].recipe
    for name in ("learning_rate", "warmup_updates", "weight_decay", "ema_decay"):
        assert recipes.loc[0, name] == getattr(present, name), "the recipe stays as it is"
    totals = cells.sum(axis=1)
    trials, episodes = len(cells), 100 * cells.shape[1]
    order = totals.sort_values(ascending=False, kind="stable").index
    best, ten = order[0], order[:10]
    gap = int(totals[best] - totals[0])
    text = (
        f"has a mean success of {totals[0] / episodes:.3f}, the best {totals[best] / episodes:.3f}"
    )
    assert text in TEXT
    each = cells.loc[[0, best]].to_numpy() / 100
    error = 100 * np.sqrt((each * (1 - each) / 100).sum()) / cells.shape[1]
    points = 100 * gap / episodes
    low, high = points - 1.96 * error, points + 1.96 * error
    assert (
        f"their difference of {points:.1f} points would count (95 % interval {low:.1f} to "
        f"{high:.1f}), but it is that of the best of {trials}"
    ) in TEXT
    excess, chance = best_of_equal(cells.loc[ten].mean().to_numpy() / 100, trials, gap)
    assert (
        f"if all {trials} trials had the mean rates of the ten best, the best would be "
        f"{100 * excess / episodes:.1f} points above trial 0 on average, and at least {points:.1f} "
        f"points in {chance:.0%} of searches".replace("%", " %")
    ) in TEXT
    of_bc = cells[("PressEither", "bc")]
    rest = totals - of_bc
    assert (
        f"**{of_bc[best] - of_bc[0]} of the {gap} episodes between them are of `bc` on "
        f"PressEither**, {of_bc[best]} against {of_bc[0]} of 100; of the other {episodes - 100} "
        f"they solve {rest[best]} and {rest[0]}."
    ) in TEXT
    p = chi2_contingency([of_bc[ten], 100 - of_bc[ten]]).pvalue
    assert (
        f"({of_bc[ten].min()} to {of_bc[ten].max()}) by more than the chance of episodes "
        f"(p = {p:.3f})"
    ) in TEXT
    assert f"fails with every recipe (at most {of_bc.max()} of 100)" in TEXT
    values = recipes[["depth", "width", "conditioning"]]
    shape = values.loc[ten] == values.loc[0]
    assert shape["conditioning"].all()
    assert (shape["depth"] & shape["width"]).sum() == 6
    rates = recipes.loc[ten, "learning_rate"] / recipes.loc[0, "learning_rate"]
    assert f"their learning rates are {rates.min():g} to {rates.max():.1f} times its own" in TEXT
    concat = totals[recipes["conditioning"] == "concat"] / episodes
    assert len(concat) == 7
    assert f"The seven trials with `concat` reach at most {concat.max():.3f}." in TEXT
