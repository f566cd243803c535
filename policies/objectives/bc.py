"""Behaviour cloning: regression of the action chunk with the network of the other objectives."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective


class BehaviourCloning(Objective, entry=POLICIES["bc"]):
    """Mean squared error of the chunk predicted from zeros at t = 0.

    The same network with no noise to tell equally good chunks apart: it learns their mean.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the regression loss; draws nothing. See `Objective.loss`."""
        return F.mse_loss(self._predict(network, condition), actions)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Evaluate the network once; draws nothing. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        return self._predict(network, condition)

    def _predict(self, network: Network, condition: Tensor) -> Tensor:
        batch = len(condition)
        zeros = condition.new_zeros((batch, *self.chunk_shape))
        return network(zeros, condition.new_zeros(batch), condition)
