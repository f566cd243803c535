"""Consistency flow training: points of one path agree on the chunk to which it leads."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.average import AverageVelocity, network_time, uniform_like
from policies.objectives.base import Network, normal_like
from policies.objectives.flow_times import draw_times

FLOW_SHARE = 0.75
"""Share of a batch that learns the instantaneous velocity, at h = 0."""
STARTS = 10
"""The times t of the other points are multiples of 1 / `STARTS`."""


class ManiFlow(AverageVelocity, entry=POLICIES["maniflow"]):
    """Consistency flow training (ManiFlow; Yan et al. 2025, arXiv 2509.01819, section III).

    Three quarters of a batch learn the velocity `actions - noise` of the flow at h = 0 and random
    t. For the others, t is a multiple of 0.1 and h uniform; from the later point x_t' of the same
    straight path, t' = min(1, t + h), the averaged network predicts the clean chunk,

        chunk = x_t' + (1 - t') u_average(x_t', t', h),    target = (chunk - x_t) / (1 - t),

    without gradient, and the network learns the velocity `target` at (x_t, t, h). Where it predicts
    the clean chunk ("sample"), the target is `chunk`. The loss is the sum of the mean squared
    errors of both parts. Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    As published, h is not limited to 1 - t: in training the network is also told lengths of steps
    that would lead beyond t = 1. Sampling takes n equal steps, of which the network is told the
    length 1 / n. x_t' lies on the path of the demonstrated chunk, not on the network's own: the
    conditional mean given x_t is a fixed point, so that one step from noise gives the mean of
    equally good chunks, as one step of a flow does.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss at one random point per chunk; see `Objective.loss`.

        The first rows of the batch have h = 0. The batch must therefore be in random order.
        """
        noise = normal_like(actions, generator)
        flow = int(FLOW_SHARE * len(actions))
        rest = actions[flow:]
        start = (STARTS * uniform_like(rest, generator)).floor() / STARTS
        length = uniform_like(rest, generator)
        t = torch.cat((draw_times("beta", actions[:flow], generator)[:, None, None], start))
        h = torch.cat((torch.zeros_like(t[:flow]), length))
        x_t = torch.lerp(noise, actions, t)
        with torch.no_grad():
            points, average = (x_t[flow:], noise[flow:], rest), self.averaged(network)
            consistent = self.target(average, *points, start, length, condition[flow:])
        output = network(x_t, network_time(t, h), condition)
        target = self.flow_target(actions[:flow], actions[:flow] - noise[:flow])
        first = F.mse_loss(output[:flow], target) if flow else output.new_zeros(())
        return first + F.mse_loss(output[flow:], consistent)

    def target(
        self,
        average: Network,
        x_t: Tensor,
        noise: Tensor,
        actions: Tensor,
        t: Tensor,
        h: Tensor,
        condition: Tensor,
    ) -> Tensor:
        """Return what the averaged network predicts further along each path, as a target.

        Args:
            average: The network with averaged weights.
            x_t: The points of the network `(B, pred_horizon, act_dim)`.
            noise: The start of each path, like `x_t`.
            actions: Its end, like `x_t`.
            t: The time of each point, `(B, 1, 1)`, below 1.
            h: The length of each step, `(B, 1, 1)`.
            condition: Encoded observations `(B, C)`.

        Returns:
            The clean chunk, or the velocity that leads there, like `x_t`.
        """
        end = (t + h).clamp(max=1.0)
        x_end = torch.lerp(noise, actions, end)
        output = average(x_end, network_time(end, h), condition)
        chunk = output if self.prediction == "sample" else x_end + (1 - end) * output
        chunk = torch.where(end < 1, chunk, actions)  # there the path has arrived
        return chunk if self.prediction == "sample" else (chunk - x_t) / (1 - t)
