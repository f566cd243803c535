"""Base class of objectives that learn the average velocity over a step of a flow."""

import torch
from torch import Tensor

from policies.objectives.base import Network, Noise, Objective
from policies.samplers import AverageSolver, load_sampler

LARGEST_ACTION = 2.0
"""Bound on chunks predicted by a network that serve as its own target.

Actions are within 1, but a bound of 1 biases noisy predictions of actions near 1 inwards, and the
bias accumulates over steps: on PressEither it cost 3 to 7 % of success."""


class AverageVelocity(Objective):
    """A flow whose network is given the time t and the length h of the step from there.

    Time 0 is noise and time 1 is data; `0 <= t`, `0 <= h`, `t + h <= 1`. With the velocity
    `v(x_s, s)` of the flow along its path, the average velocity over the step is

        u(x_t, t, h) = (1 / h) * integral of v(x_s, s) ds from t to t + h.

    The network predicts `u` ("velocity"), or the chunk `s = x_t + (1 - t) * u` ("sample"), where
    `x_t` would arrive at t = 1 with that velocity. At h = 0 these are the velocity and the clean
    chunk of a flow, and are learnt as in a flow. Chunks are `(B, pred_horizon, act_dim)`,
    normalised to [-1, 1].
    """

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Carry noise to t = 1 by steps of the average velocity; see `Objective.sample`."""
        self.check_sampler(sampler, steps)

        def output(x_t: Tensor, t: float, h: float) -> Tensor:
            rows = x_t.shape[:1]
            time = torch.stack((x_t.new_full(rows, t), x_t.new_full(rows, h)), dim=1)
            return network(x_t, time, condition)

        solve: AverageSolver = load_sampler(sampler)
        return solve(output, self.prediction, noise(), steps)

    def flow_target(self, actions: Tensor, velocity: Tensor) -> Tensor:
        """Return the target at h = 0: the clean chunk, or the velocity of the path."""
        return actions if self.prediction == "sample" else velocity


def bound_chunk(chunk: Tensor) -> Tensor:
    """Clip a predicted chunk `s` to [-`LARGEST_ACTION`, `LARGEST_ACTION`].

    The exact `s` is never clipped: it is a mean of the clean chunks that the flow expects along
    the step, which are means of actions themselves. A network's own predictions are clipped before
    they serve as its target, so that they cannot grow without bound.
    """
    return chunk.clamp(-LARGEST_ACTION, LARGEST_ACTION)


def uniform_like(actions: Tensor, generator: torch.Generator) -> Tensor:
    """Draw `(B, 1, 1)` in [0, 1) on the generator's device, and move it to that of `actions`."""
    drawn = torch.rand(
        (len(actions), 1, 1), dtype=actions.dtype, generator=generator, device=generator.device
    )
    return drawn.to(actions.device)


def network_time(t: Tensor, h: Tensor) -> Tensor:
    """Return the network's time input `(B, 2)` from t and h, both `(B, 1, 1)`."""
    return torch.cat((t, h), dim=1)[:, :, 0]
