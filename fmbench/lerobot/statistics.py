"""Statistics of features as LeRobot stores them, computed exactly and in float64.

LeRobot 0.4.4 squares pictures as uint8, so its standard deviations of them are wrong.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.task import FloatArray, IntArray

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
LEVELS = 256
COLUMNS_AT_ONCE = 8

Statistics = dict[str, list[Any]]


def of_columns(parts: Iterator[FloatArray]) -> Statistics:
    """Return the statistics of a feature of numbers.

    Args:
        parts: Its columns in order, some at a time, each part `(n, k)`; n is the same.
    """
    names = ("min", "max", "mean", "std", *QUANTILES)
    found: dict[str, list[Any]] = {name: [] for name in names}
    count = 0
    for part in parts:
        values = part.astype(np.float64)
        count = len(values)
        rows = [values.min(0), values.max(0), values.mean(0), values.std(0)]
        rows += list(np.quantile(values, list(QUANTILES.values()), axis=0))
        for name, row in zip(names, rows, strict=True):
            found[name] += row.tolist()
    return {**found, "count": [count]}


def histogram(pictures: NDArray[np.uint8]) -> IntArray:
    """Return how often each channel has each level, `(3, 256)`, in pictures `(n, H, W, 3)`."""
    counts = [np.bincount(pictures[..., k].reshape(-1), minlength=LEVELS) for k in range(3)]
    return np.stack(counts)


def of_pictures(counts: IntArray, frames: int) -> Statistics:
    """Return the statistics of a camera's pictures in [0, 1], each `[3, 1, 1]`.

    Args:
        counts: How often each channel has each level, `(3, 256)`.
        frames: Number of pictures.
    """
    levels = np.arange(LEVELS) / (LEVELS - 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ levels
    std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(axis=1))
    found = {"mean": mean, "std": std}
    for name, at in {"min": 0.0, "max": 1.0, **QUANTILES}.items():
        found[name] = np.array([_quantile(row, at) for row in counts])
    return {**{k: v.reshape(3, 1, 1).tolist() for k, v in found.items()}, "count": [frames]}


def _quantile(counts: IntArray, at: float) -> float:
    """Return a quantile of counted levels, as `numpy.quantile` interpolates."""
    upto = np.cumsum(counts)
    place = at * (int(upto[-1]) - 1)
    below, above = (
        int(np.searchsorted(upto, k, side="right")) for k in (np.floor(place), np.ceil(place))
    )
    return float(below + (above - below) * (place - np.floor(place))) / (LEVELS - 1)
