"""Figure of a search: success by trial, and by each value that was searched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmbench.report.rendering import figure_file
from fmbench.storage.search import SearchFacts, TrialRow, by_trial, rank

_COLUMNS = 4
_LOGARITHMIC = ("learning_rate", "weight_decay")
_PANELS = (
    "learning_rate",
    "warmup_updates",
    "weight_decay",
    "ema_decay",
    "depth",
    "width",
    "conditioning",
)
_BEST, _OTHER = "#D55E00", "#0072B2"


def render_trials(rows: Sequence[TrialRow], facts: SearchFacts) -> bytes:
    """Draw the figure and return its PNG file, a function of the rows alone."""
    return figure_file(lambda: _draw(rows), is_smoke=facts.choice.preset == "smoke")


def _draw(rows: Sequence[TrialRow]) -> Figure:
    trials = list(by_trial(rows).values())
    ranks = [rank(own) for own in trials]
    scores, best_so_far = (
        np.array([-key[1] for key in k]) for k in (ranks, accumulate(ranks, min))
    )
    best = ranks.index(min(ranks))
    figure = Figure(figsize=(9.5, 4.6))
    axes = figure.subplots(2, _COLUMNS, sharey=True).ravel()
    axes[0].step(range(len(trials)), best_so_far, where="post", color=_BEST)
    _points(axes[0], [own[0].trial for own in trials], scores, best, "trial")
    for place, name in zip(axes[1:], _PANELS, strict=True):
        _points(place, [_position(own[0], name) for own in trials], scores, best, _label(name))
        if name in (*_LOGARITHMIC, "ema_decay"):
            place.set_xscale("log")
    figure.supylabel("mean success on validation episodes", fontsize=10)
    return figure


def _points(axes: Axes, places: Sequence[Any], scores: np.ndarray, best: int, label: str) -> None:
    axes.plot(places, scores, "o", color=_OTHER, alpha=0.7, markersize=4)
    axes.plot(places[best : best + 1], scores[best : best + 1], "o", color=_BEST, markersize=7)
    axes.set(xlabel=label, ylim=(-0.03, 1.03))


def _position(row: TrialRow, name: str) -> float | str:
    value: Any = getattr(row, name)
    position: float | str = 1 - value if name == "ema_decay" else value
    return position


def _label(name: str) -> str:
    return "1 - ema_decay" if name == "ema_decay" else name
