"""Shortcut models: one long step is learnt from two half as long."""

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
"""Share of a batch that learns long steps from shorter ones; section 3.2 of the paper."""
LENGTHS = SHORTCUT_STEPS.bit_length() - 1
"""How many lengths are learnt from shorter ones: 1, 1/2 .. 2 / `SHORTCUT_STEPS`."""


class Shortcut(AverageVelocity, entry=POLICIES["shortcut"]):
    """Shortcut models (Frans et al. 2024, arXiv 2410.12557): a power of two of equal steps.

    The targets are the network's own, without gradient, where the paper takes averaged weights;
    the chunks of which they are made are bounded, without which they can grow without end. A
    flow's times are continuous, where the paper's are multiples of the shortest step.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss at one random step per chunk; see `Objective.loss`.

        The first rows of the batch, which have to be in random order, learn the velocity, at h = 0,
        the last ones longer steps.
        """
        noise = normal_like(actions, generator)
        t, length = uniform_like(actions, generator), uniform_like(actions, generator)
        flow = len(actions) - max(1, int(CONSISTENCY_SHARE * len(actions)))
        # Lengths are drawn alike; a step begins at a multiple of its own.
        halvings = (LENGTHS * length[flow:]).long()
        counts = torch.bitwise_left_shift(torch.ones_like(halvings), halvings).to(t.dtype)
        t = torch.cat((t[:flow], (counts * t[flow:]).floor() / counts))
        h = torch.cat((torch.zeros_like(t[:flow]), 1 / counts))
        x_t, velocity = torch.lerp(noise, actions, t), actions - noise
        with torch.no_grad():
            bounded = self.bounded(network)
            longer = self.two_steps(bounded, x_t[flow:], t[flow:], h[flow:], condition[flow:])
        target = torch.cat((self.flow_target(actions, velocity)[:flow], longer))
        # eq. 5: both parts with the weight that they have in the batch
        return F.mse_loss(network(x_t, network_time(t, h), condition), target)

    def bounded(self, network: Network) -> Network:
        """Return a network that says the same, as long as the chunk that it leads to is possible.

        See `bound_chunk`; times are before 1.
        """

        def output(x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
            said = network(x_t, time, condition)
            if self.prediction == "sample":
                return bound_chunk(said)
            rest = 1 - time[:, 0, None, None]
            return (bound_chunk(x_t + rest * said) - x_t) / rest

        return output

    def two_steps(
        self, network: Network, x_t: Tensor, t: Tensor, h: Tensor, condition: Tensor
    ) -> Tensor:
        """Return what the network should say of a step, from two steps half as long.

        Args:
            network: The network.
            x_t: The points at which the steps begin, ``(B, pred_horizon, act_dim)``.
            t: Their times, ``(B, 1, 1)``.
            h: The lengths of the steps, ``(B, 1, 1)``, at least ``2 / SHORTCUT_STEPS``.
            condition: Encoded observations ``(B, C)``.

        Returns:
            Like `x_t`.
        """
        half = h / 2
        # section 3.2: of the shortest step the network is told the length 0
        told = torch.where(half > 1 / SHORTCUT_STEPS, half, torch.zeros_like(half))
        first = network(x_t, network_time(t, told), condition)
        # eq. 3: x' = x_t + d u(x_t, t, d)
        middle = average_step(self.prediction, first, x_t, t, half)
        second = network(middle, network_time(t + half, told), condition)
        if self.prediction == "velocity":
            # eq. 4: u(x_t, t, 2d) = (u(x_t, t, d) + u(x', t + d, d)) / 2
            return (first + second) / 2
        # The same for s = x_t + (1 - t) u, with u(x', t + d, d) = (s' - x') / (1 - t - d); a step
        # of 2d ends by t = 1, so the factor is at most 2
        factor = (1 - t) / (1 - t - half)
        return (first + x_t + factor * (second - middle)) / 2
