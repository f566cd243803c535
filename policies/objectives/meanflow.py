"""Mean flows: the average velocity, learnt from its derivative along the path."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.average import (
    AverageVelocity,
    bound_chunk,
    network_time,
    uniform_like,
)
from policies.objectives.base import Network, normal_like
from policies.schedules import velocity_from_sample

FLOW_SHARE = 0.75
"""Share of a batch that learns the instantaneous velocity, at h = 0."""
LOGIT_MEAN = 0.4
"""Mean of the logits of t and r; -0.4 in the paper's time (table 1d). Their deviation is 1."""
CLOSEST = 1e-6
"""Smallest `1 - t` in the denominator of `h / (1 - t)`."""


class MeanFlow(AverageVelocity, entry=POLICIES["meanflow"]):
    """MeanFlow (Geng et al. 2025, arXiv 2505.13447): from noise to a chunk in one or more steps.

    The network predicts the average velocity `u(x_t, t, h)` over a step from t to t + h, or the
    chunk that it leads to (see `AverageVelocity`). The target follows from the MeanFlow identity
    (eq. 6, in this project's time), and has no gradient (eq. 9),

        u = v + h * du/dt,    v = actions - noise,    d/dt along the path with t + h fixed.

    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    Differences from the paper: time runs from noise to data, so that a step goes forward from t to
    `r = t + h` and not back from t to r. As in the paper, three quarters of a batch are at h = 0,
    but at uniform instead of logit-normal times. Errors are not weighted (p = 0 in eq. 22): a
    weight that decreases with a chunk's error biases the learnt mean towards a mode.

    Options: `meanflow`. With "improved" (Geng et al. 2025, arXiv 2512.02012), points move along the
    derivative with the velocity that the network itself predicts at h = 0, because the velocity of
    one path is only a noisy sample of it. The target stays `actions - noise`, compared with
    `u - h * du/dt`.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss at one random step per chunk; see `Objective.loss`.

        The first rows of the batch have h = 0, where no derivative is needed. The batch must
        therefore be in random order.
        """
        noise = normal_like(actions, generator)
        flow = int(FLOW_SHARE * len(actions))
        # section 4.3: t and r are two logit-normal numbers, sorted
        logits = [LOGIT_MEAN + normal_like(actions[flow:, :1, :1], generator) for _ in range(2)]
        start, end = torch.minimum(*logits).sigmoid(), torch.maximum(*logits).sigmoid()
        t = torch.cat((uniform_like(actions[:flow], generator), start))
        h = torch.cat((torch.zeros_like(t[:flow]), end - start))
        x_t, velocity, time = torch.lerp(noise, actions, t), actions - noise, network_time(t, h)
        output, target = self.output_and_target(
            network, x_t[flow:], time[flow:], velocity[flow:], condition[flow:]
        )
        if flow:
            output = torch.cat((network(x_t[:flow], time[:flow], condition[:flow]), output))
            target = torch.cat((self.flow_target(actions, velocity)[:flow], target))
        # eq. 9: the error of the output against a target without gradient
        return F.mse_loss(output, target)

    def output_and_target(
        self, network: Network, x_t: Tensor, time: Tensor, velocity: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the network's output, and its target by the MeanFlow identity.

        Args:
            network: The network, differentiable in forward mode.
            x_t: Points of paths `(B, pred_horizon, act_dim)`.
            time: t and h of each point, `(B, 2)`.
            velocity: `actions - noise` of each path, like `x_t`.
            condition: Encoded observations `(B, C)`.

        Returns:
            Both like `x_t`; only the first has a gradient.
        """
        # eq. 8 in our time: along the path dx/dt = v, dt/dt = 1 and, as h = r - t, dh/dt = -1
        tangent = torch.stack((torch.ones_like(time[:, 0]), -torch.ones_like(time[:, 0])), dim=1)
        t, h = time[:, 0, None, None], time[:, 1, None, None]
        along = velocity
        if self.options.meanflow == "improved":
            along = self.predicted_velocity(network, x_t, t, condition)
        pair: tuple[Tensor, Tensor] = torch.func.jvp(  # type: ignore[assignment]
            lambda x, time: network(x, time, condition), (x_t, time), (along, tangent)
        )
        output, detached, slope = pair[0], pair[0].detach(), pair[1].detach()
        if self.prediction == "velocity":
            # eq. 6 in our time, from d/dt of h u = (integral of v from t to r): u = v + h du/dt
            return output, velocity + h * slope
        # The same for s = x_t + (1 - t) u, whose ds/dt = v - u + (1 - t) du/dt along v:
        # s = actions + h (ds/dt - v) + h / (1 - t) (s - x_t), in which h <= 1 - t
        share = h / (1 - t).clamp(min=CLOSEST)
        actions = x_t + (1 - t) * velocity
        return output, actions + h * (slope - along) + share * (bound_chunk(detached) - x_t)

    @torch.no_grad()
    def predicted_velocity(
        self, network: Network, x_t: Tensor, t: Tensor, condition: Tensor
    ) -> Tensor:
        """Return the velocity that the network predicts at points of paths, at h = 0.

        Args:
            network: The network.
            x_t: Points of paths `(B, pred_horizon, act_dim)`.
            t: Their times `(B, 1, 1)`.
            condition: Encoded observations `(B, C)`.

        Returns:
            Like `x_t`, without a gradient.
        """
        output = network(x_t, network_time(t, torch.zeros_like(t)), condition)
        if self.prediction == "velocity":
            return output
        return velocity_from_sample(bound_chunk(output), x_t, t).to(x_t.dtype)
