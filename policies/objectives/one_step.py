"""Base class of generators that map noise to a chunk by one evaluation of the network."""

import torch
from torch import Tensor

from policies.objectives.base import Network, Noise, Objective


class OneStep(Objective):
    """A generator `chunk = network(noise, 0, condition)`, trained on several samples per window.

    Time 0 is noise, as for flows. Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].
    Sampling (`one_step`) is that one evaluation.
    """

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Map noise to chunks by one evaluation of the network; see `Objective.sample`."""
        self.check_sampler(sampler, steps)
        return _generate(network, noise(), condition)

    def draw(self, actions: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the noise of `training_samples` samples G of every window, `(G, B, Tp, act_dim)`."""
        shape = (self.options.training_samples, *actions.shape)
        noise = torch.randn(
            shape, dtype=actions.dtype, generator=generator, device=generator.device
        )
        return noise.to(actions.device)


def generate(network: Network, noise: Tensor, condition: Tensor) -> Tensor:
    """Map the noise of several samples of every window to chunks, in one call of the network.

    Args:
        network: The network.
        noise: `(G, B, pred_horizon, act_dim)`.
        condition: Encoded observations `(B, C)`.

    Returns:
        The chunks, like `noise`.
    """
    rows = condition.expand(len(noise), *condition.shape).flatten(0, 1)
    return _generate(network, noise.flatten(0, 1), rows).reshape(noise.shape)


def _generate(network: Network, noise: Tensor, condition: Tensor) -> Tensor:
    return network(noise, noise.new_zeros(noise.shape[0]), condition)
