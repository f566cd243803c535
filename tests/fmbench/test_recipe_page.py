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


class Search:
    """The trials of one search, and what its page's sentences are about.

    Args:
        backbone: The network whose recipe was searched.
    """

    def __init__(self, backbone: str) -> None:
        rows = pd.read_csv(ROOT / "results" / "recipes" / backbone / "trials.csv")
        assert set(rows["episodes"]) == {100}
        self.cells = rows.pivot(index="trial", columns=["task", "policy"], values="successes")
        self.recipes = rows.groupby("trial").first()
        self.totals = self.cells.sum(axis=1)
        self.episodes = 100 * self.cells.shape[1]
        order = self.totals.sort_values(ascending=False, kind="stable").index
        self.best, self.ten = order[0], order[:10]
        self.gap = int(self.totals[self.best] - self.totals[0])
        self.points = 100 * self.gap / self.episodes
        each = self.cells.loc[[0, self.best]].to_numpy() / 100
        error = 100 * np.sqrt((each * (1 - each) / 100).sum()) / self.cells.shape[1]
        self.low, self.high = self.points - 1.96 * error, self.points + 1.96 * error
        rates = self.cells.loc[self.ten].mean().to_numpy() / 100
        excess, self.chance = best_of_equal(rates, len(self.cells), self.gap)
        self.excess = 100 * excess / self.episodes

    def success(self, trial: int) -> float:
        """Return the mean success of a trial."""
        return float(self.totals[trial] / self.episodes)

    def chance_of_episodes(self, task: str, policy: str) -> float:
        """Return the p-value of equal rates of the ten best trials in a cell."""
        of_ten = self.cells[(task, policy)][self.ten]
        return float(chi2_contingency([of_ten, 100 - of_ten]).pvalue)

    @property
    def rates_of_ten(self) -> pd.Series:
        """The learning rates of the ten best trials, in units of that of trial 0."""
        rates: pd.Series = self.recipes["learning_rate"]
        of_ten: pd.Series = rates[self.ten] / rates[0]
        return of_ten


@pytest.mark.parametrize("backbone", ["dit", "unet"])
def test_the_first_trial_is_the_recipe_that_stays(backbone: str) -> None:
    present, recipes = BACKBONES[backbone].recipe, Search(backbone).recipes
    for name in ("learning_rate", "warmup_updates", "weight_decay", "ema_decay"):
        assert recipes.loc[0, name] == getattr(present, name)
    conditioning = present.conditioning or BACKBONES[backbone].conditioning
    assert recipes.loc[0, "conditioning"] == conditioning


def test_the_search_for_the_transformer_is_described_by_its_trials() -> None:
    search = Search("dit")
    cells, totals, best, ten = search.cells, search.totals, search.best, search.ten
    episodes, gap, trials = search.episodes, search.gap, len(search.cells)
    text = f"has a mean success of {search.success(0):.3f}, the best {search.success(best):.3f}"
    assert text in TEXT
    assert (
        f"their difference of {search.points:.1f} points would count (95 % interval "
        f"{search.low:.1f} to {search.high:.1f}), but it is that of the best of {trials}"
    ) in TEXT
    assert (
        f"if all {trials} trials had the mean rates of the ten best, the best would be "
        f"{search.excess:.1f} points above trial 0 on average, and at least {search.points:.1f} "
        f"points in {search.chance:.0%} of searches".replace("%", " %")
    ) in TEXT
    of_bc = cells[("PressEither", "bc")]
    rest = totals - of_bc
    assert (
        f"**{of_bc[best] - of_bc[0]} of the {gap} episodes between them are of `bc` on "
        f"PressEither**, {of_bc[best]} against {of_bc[0]} of 100; of the other {episodes - 100} "
        f"they solve {rest[best]} and {rest[0]}."
    ) in TEXT
    p = search.chance_of_episodes("PressEither", "bc")
    assert (
        f"({of_bc[ten].min()} to {of_bc[ten].max()}) by more than the chance of episodes "
        f"(p = {p:.3f})"
    ) in TEXT
    assert f"fails with every recipe (at most {of_bc.max()} of 100)" in TEXT
    values = search.recipes[["depth", "width", "conditioning"]]
    shape = values.loc[ten] == values.loc[0]
    assert shape["conditioning"].all()
    assert (shape["depth"] & shape["width"]).sum() == 6
    rates = search.rates_of_ten
    assert f"their learning rates are {rates.min():g} to {rates.max():.1f} times its own" in TEXT
    concat = totals[search.recipes["conditioning"] == "concat"] / episodes
    assert len(concat) == 7
    assert f"The seven trials with `concat` reach at most {concat.max():.3f}." in TEXT


def test_the_search_for_the_u_net_is_described_by_its_trials() -> None:
    search = Search("unet")
    cells, best, ten, trials = search.cells, search.best, search.ten, len(search.cells)
    interval = f"{search.low:.1f} to {search.high:.1f}".replace("-", "−")
    assert (
        f"Trial 0 has a mean success of {search.success(0):.3f}, the best "
        f"{search.success(best):.3f}: a difference of {search.points:.1f} points (95 % interval "
        f"{interval}), where the best of {trials} trials with the mean rates of the ten best would "
        f"be {search.excess:.1f} points above trial 0 on average."
    ) in TEXT
    tasks = ["PressEither", "PickEither", "TurnDial"]
    assert [cells[(task, "flow")][0] for task in tasks] == [100, 100, 100]
    assert "With the present recipe `flow` solves all 300 episodes" in TEXT
    first, last = ([cells[(task, "bc")][trial] for task in tasks] for trial in (0, best))
    assert "it solves {}, {} and {} of 100 (PressEither, PickEither, Tur".format(*first) in TEXT
    assert "with the best trial {}, {} and {}.".format(*last) in TEXT
    worst = cells[("PressEither", "bc")].max()
    assert f"it fails with every recipe (at most {worst} of 100)" in TEXT
    for task, claim in (
        ("TurnDial", "varies among the ten best trials ({} to {}) by more than the chance of "
         "episodes (p = {:.4f})"),
        ("PickEither", "on PickEither ({} to {}) that is not shown (p = {:.3f})"),
    ):  # fmt: skip
        of_ten = cells[(task, "bc")][ten]
        p = search.chance_of_episodes(task, "bc")
        assert claim.format(of_ten.min(), of_ten.max(), p) in TEXT
    conditioning = search.recipes["conditioning"]
    assert (conditioning[ten] == "concat").sum() == 9
    assert conditioning.value_counts().to_dict() == {"concat": 33, "film": 7}
    assert "Nine of the ten best trials append the observation to every action (`concat`)" in TEXT
    assert "the search tried 33 and 7 of them" in TEXT
    rates = search.rates_of_ten
    assert f"The learning rates of the ten best are {rates.min():g} to {rates.max():.1f}" in TEXT
