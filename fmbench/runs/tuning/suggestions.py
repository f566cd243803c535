"""Suggestions of recipes by optuna's tree-structured Parzen estimator (TPE).

Each trial has a sampler of its own, whose seed follows from those of the search and the trial, and
a study that is rebuilt from rows. A suggestion is a function of these alone: it does not matter
where a search was interrupted.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from fmbench.runs.tuning.space import Fraction, Names, Point, Range, clipped


def suggest(
    space: Mapping[str, Range], seed: int, trial: int, earlier: Sequence[tuple[Point, float]]
) -> Point:
    """Return the point of a space that a trial tries.

    Args:
        space: The search space.
        seed: Seed of the search.
        trial: Number of the trial.
        earlier: Points of the trials that it knows, in order, each with its score.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(range_) for name, range_ in space.items()}
    digits = hashlib.sha256(f"{seed} {trial}".encode()).hexdigest()[:8]
    sampler = optuna.samplers.TPESampler(seed=int(digits, 16))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for point, score in earlier:
        params = {name: _mirrored(space[name], point[name]) for name in space}
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=distributions, value=score)
        )
    asked = study.ask(distributions).params
    return clipped({name: _mirrored(space[name], asked[name]) for name in space}, space)


def _mirrored(range_: Range, value: Any) -> Any:
    """Return what a value lacks to 1 where that is searched, and the value of what it lacks."""
    is_mirrored = isinstance(range_, Fraction) and range_.below_one
    return round(1 - value, 12) if is_mirrored else value


def _distribution(range_: Range) -> BaseDistribution:
    if isinstance(range_, Names):
        return CategoricalDistribution(range_.names)
    if isinstance(range_, Fraction):
        return FloatDistribution(range_.least, range_.most, log=True)
    return IntDistribution(range_.least, range_.most)
