"""What objectives share whose network predicts the average velocity over a step of a flow."""

import torch
from torch import Tensor

from policies.objectives.base import Network, Noise, Objective
from policies.samplers import AverageSolver, load_sampler

LARGEST_ACTION = 2.0
"""Bound of what a network says of itself. Actions are within 1, but so tight a bound pulls rough
words about actions at 1 inwards, and step upon step: on PressEither it cost 3 to 7 % of success."""


class AverageVelocity(Objective):
    """A flow whose network is told the time t and the length h of the step to take from there.

    Time 0 is noise, time 1 is data, and ``t + h`` is at most 1. The network predicts the average
    velocity ``u`` over the step, or the chunk ``s`` that it leads to: ``u = (s - x_t) / (1 - t)``.
    At h = 0 these are a flow's velocity and clean chunk, and are learnt as a flow learns them.
    """

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Carry noise to t = 1 in steps of the average velocity; see `Objective.sample`."""
        self.check_sampler(sampler, steps)

        def output(x_t: Tensor, t: float, h: float) -> Tensor:
            time = torch.stack((x_t.new_full((len(x_t),), t), x_t.new_full((len(x_t),), h)), dim=1)
            return network(x_t, time, condition)

        solve: AverageSolver = load_sampler(sampler)
        return solve(output, self.prediction, noise(), steps)

    def flow_target(self, actions: Tensor, velocity: Tensor) -> Tensor:
        """Return what the network is to predict at h = 0: the chunk, or the path's velocity."""
        return actions if self.prediction == "sample" else velocity


def bound_chunk(chunk: Tensor) -> Tensor:
    """Return the chunk to which an average velocity leads, within `LARGEST_ACTION`.

    No true one is changed. A flow carries ``x_t`` to a mean of ``x_t``, in the share
    ``(1 - t - h) / (1 - t)``, and of the clean chunks that it expects on the way, themselves means
    of actions: ``s`` is the mean of the latter. What a network says of itself is bounded so that it
    cannot grow by being learnt from.
    """
    return chunk.clamp(-LARGEST_ACTION, LARGEST_ACTION)


def uniform_like(actions: Tensor, generator: torch.Generator) -> Tensor:
    """Draw ``(B, 1, 1)`` in [0, 1) on the generator's device, and move it to that of `actions`."""
    drawn = torch.rand(
        (len(actions), 1, 1), dtype=actions.dtype, generator=generator, device=generator.device
    )
    return drawn.to(actions.device)


def network_time(t: Tensor, h: Tensor) -> Tensor:
    """Return what a network is told, ``(B, 2)``, from t and h, both ``(B, 1, 1)``."""
    return torch.cat((t, h), dim=1)[:, :, 0]
