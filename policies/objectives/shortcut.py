"""Shortcut models: a long step is learnt from two steps of half its length."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES, SHORTCUT_STEPS
from policies.objectives.average import (
    AverageVelocity,
    bound_chunk,
    network_time,
    uniform_like,
)
from policies.objectives.base import Network, normal_like
from policies.samplers.average import average_step

CONSISTENCY_SHARE = 0.25
"""Share of a batch that learns longer steps from shorter ones; section 3.2 of the paper."""
LENGTHS = SHORTCUT_STEPS.bit_length() - 1
"""Number of lengths learnt from shorter ones: 1, 1/2, ..., 2 / `SHORTCUT_STEPS`."""


class Shortcut(AverageVelocity, entry=POLICIES["shortcut"]):
    """Shortcut models (Frans et al. 2024, arXiv 2410.12557), for 1, 2, 4, ..., 64 equal steps.

    The network predicts the average velocity `u(x_t, t, h)` over a step of length h, or the chunk
    that it leads to (see `AverageVelocity`). Three quarters of a batch learn the velocity
    `actions - noise` of the flow at h = 0, the others that one step equals two of half its length
    (eqs. 3 and 4),

        u(x_t, t, 2d) = (u(x_t, t, d) + u(x', t + d, d)) / 2,    x' = x_t + d * u(x_t, t, d).

    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    Differences from the paper: the targets come from the network itself, without gradient, instead
    of averaged weights; the chunks in them are bounded, otherwise they can grow without limit; and
    the times at h = 0 are continuous instead of multiples of the shortest step.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss at one random step per chunk; see `Objective.loss`.

        The first rows of the batch learn the velocity at h = 0, the last ones longer steps. The
        batch must therefore be in random order.
        """
        noise = normal_like(actions, generator)
        t, length = uniform_like(actions, generator), uniform_like(actions, generator)
        flow = len(actions) - max(1, int(CONSISTENCY_SHARE * len(actions)))
        # All lengths are equally likely; a step starts at a multiple of its length.
        halvings = (LENGTHS * length[flow:]).long()
        counts = torch.bitwise_left_shift(torch.ones_like(halvings), halvings).to(t.dtype)
        t = torch.cat((t[:flow], (counts * t[flow:]).floor() / counts))
        h = torch.cat((torch.zeros_like(t[:flow]), 1 / counts))
        x_t, velocity = torch.lerp(noise, actions, t), actions - noise
        with torch.no_grad():
            bounded = self.bounded(network)
            longer = self.two_steps(bounded, x_t[flow:], t[flow:], h[flow:], condition[flow:])
        target = torch.cat((self.flow_target(actions, velocity)[:flow], longer))
        # eq. 5: both parts, weighted by their share of the batch
        return F.mse_loss(network(x_t, network_time(t, h), condition), target)

    def bounded(self, network: Network) -> Network:
        """Return the network with its predicted chunk bounded by `bound_chunk`.

        Times must be below 1.
        """

        def output(x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
            predicted = network(x_t, time, condition)
            if self.prediction == "sample":
                return bound_chunk(predicted)
            rest = 1 - time[:, 0, None, None]
            return (bound_chunk(x_t + rest * predicted) - x_t) / rest

        return output

    def two_steps(
        self, network: Network, x_t: Tensor, t: Tensor, h: Tensor, condition: Tensor
    ) -> Tensor:
        """Return the target of a step, from two steps of half its length.

        Args:
            network: The network.
            x_t: The points where the steps start, `(B, pred_horizon, act_dim)`.
            t: Their times, `(B, 1, 1)`.
            h: The lengths of the steps, `(B, 1, 1)`, at least `2 / SHORTCUT_STEPS`.
            condition: Encoded observations `(B, C)`.

        Returns:
            The target, like `x_t`.
        """
        half = h / 2
        # section 3.2: for the shortest step the network is given the length 0
        length = torch.where(half > 1 / SHORTCUT_STEPS, half, torch.zeros_like(half))
        first = network(x_t, network_time(t, length), condition)
        # eq. 3: x' = x_t + d u(x_t, t, d)
        middle = average_step(self.prediction, first, x_t, t, half)
        second = network(middle, network_time(t + half, length), condition)
        if self.prediction == "velocity":
            # eq. 4: u(x_t, t, 2d) = (u(x_t, t, d) + u(x', t + d, d)) / 2
            return (first + second) / 2
        # The same for s = x_t + (1 - t) u, with u(x', t + d, d) = (s' - x') / (1 - t - d); a step
        # of 2d ends by t = 1, so the factor is at most 2
        factor = (1 - t) / (1 - t - half)
        return (first + x_t + factor * (second - middle)) / 2
