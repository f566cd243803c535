"""Bridges: sampled chunks that lie between the ways of an expert instead of on one of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fmbench.evaluation.ambiguous_starts import AmbiguousStarts
from policies.actor import INFERENCE_ROWS

BRIDGE = 0.25
"""A bridge is further from every way than this share of the distance between the ways."""
SAMPLES = INFERENCE_ROWS
"""Chunks that are sampled at each start."""


@dataclass(frozen=True)
class Bridges:
    """Where the chunks that were sampled at ambiguous starts lie.

    Attributes:
        starts: Number of starts.
        start_samples: Number of chunks sampled at each.
        bridge_rate: Share of the samples that are bridges, the mean over the starts.
        bridge_error: Its standard error over the starts; None with one start.
        minor_way: Share of the rarest way in the samples that are on a way, the mean over the
            starts that have any; None if none has.
        expert_bridge_rate: Share of demonstrated chunks that would be bridges to the others.
    """

    starts: int
    start_samples: int
    bridge_rate: float
    bridge_error: float | None
    minor_way: float | None
    expert_bridge_rate: float


def measure_bridges(starts: AmbiguousStarts, sample: Callable[[Tensor], Tensor]) -> Bridges:
    """Sample chunks at every ambiguous start, and count those that are on none of the ways.

    The distance of two chunks is the root mean square difference of their numbers, that of a chunk
    to a way is the distance to the nearest demonstrated chunk of the way. A bridge is further from
    every way than a quarter of the distance between the two nearest ways.

    Demonstrations are noisy: a part of them is that far from all others, and a policy that
    reproduced them exactly would have that bridge rate (`expert_bridge_rate`).

    Args:
        starts: The starts and the chunks that are demonstrated there.
        sample: Returns `SAMPLES` chunks `(SAMPLES, pred_horizon, act_dim)` for as many copies of a
            window `(SAMPLES, obs_horizon, obs_dim)`.
    """
    rates, minors, of_expert = [], [], []
    for window, chunks, gap in zip(starts.windows, starts.chunks, starts.gaps, strict=True):
        sampled = sample(window.expand(SAMPLES, *window.shape)).cpu()
        demonstrated = chunks.flatten(0, 1)
        distances = _distances(sampled, demonstrated).view(-1, *chunks.shape[:2]).amin(2)
        is_on_way = distances.amin(1) <= BRIDGE * gap
        rates.append(1.0 - _share(is_on_way))
        if is_on_way.any():
            taken = distances.argmin(1)[is_on_way].bincount(minlength=starts.ways)
            minors.append(float(taken.min()) / float(taken.sum()))
        others = _distances(demonstrated, demonstrated).fill_diagonal_(math.inf)
        of_expert.append(_share(others.amin(1) > BRIDGE * gap))
    each = torch.tensor(rates, dtype=torch.float64)
    return Bridges(
        starts=len(rates),
        start_samples=SAMPLES,
        bridge_rate=float(each.mean()),
        bridge_error=float(each.std()) / math.sqrt(len(each)) if len(each) > 1 else None,
        minor_way=sum(minors) / len(minors) if minors else None,
        expert_bridge_rate=sum(of_expert) / len(of_expert),
    )


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the distance of every chunk of `a` to every chunk of `b`, (n, m) float64."""
    flat_a, flat_b = a.double().flatten(1), b.double().flatten(1)
    exact = "donot_use_mm_for_euclid_dist"  # products round differently with more threads
    return torch.cdist(flat_a, flat_b, compute_mode=exact) / math.sqrt(flat_a.shape[1])


def _share(chosen: Tensor) -> float:
    return int(chosen.sum()) / len(chosen)
