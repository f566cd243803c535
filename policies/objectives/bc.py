"""Behaviour cloning: regression of the action chunk."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective


class BehaviourCloning(Objective, entry=POLICIES["bc"]):
    """Regression of the action chunk with mean squared error.

    The network of the generative objectives, with zeros as noisy actions and t = 0, is trained by

        loss = mean |network(0, 0, condition) - actions|^2,

    so that it learns the conditional mean `E[actions | condition]`: without a noise input it cannot
    distinguish between equally good chunks. Chunks are `(B, pred_horizon, act_dim)`, normalised to
    [-1, 1]. Sampling (`direct`) is one evaluation of the network.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the regression loss; no randomness. See `Objective.loss`."""
        return F.mse_loss(self._predict(network, condition), actions)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Evaluate the network once; no randomness. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        return self._predict(network, condition)

    def _predict(self, network: Network, condition: Tensor) -> Tensor:
        batch = condition.shape[0]
        zeros = condition.new_zeros((batch, *self.chunk_shape))
        return network(zeros, condition.new_zeros(batch), condition)
