"""Add a policy: regression of the action chunk by mean absolute error.

    python examples/add_policy.py --task PressEither --preset smoke

trains it and behaviour cloning, which minimises the mean squared error, on the same demonstrations
and compares them. It takes the flags of `python -m fmbench.run`.

An objective defines how the network is trained and how a chunk is sampled from it. The backbone,
the normalisation, the horizons, the training and the evaluation are those of every other policy.
Chunks are normalised to [-1, 1]; T is the prediction horizon, A the number of actions and C the
size of the encoded observations.
"""

import sys

import torch
from torch import Tensor
from torch.nn import functional

from fmbench.plugins import register_policy
from fmbench.run import main
from policies.objectives.base import Network, Noise, Objective
from policies.samplers.steps import StepLimits


class AbsoluteError(Objective):
    """Mean absolute error of the chunk: the network learns a median, not a mean."""

    predictions = ("sample",)
    limits = {"direct": StepLimits(default=1, highest=1)}  # noqa: RUF012
    default_sampler = "direct"

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss of clean chunks, `(B, T, A)`, given observations, `(B, C)`."""
        return functional.l1_loss(self._predict(network, condition), actions)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Return one chunk for each row, `(B, T, A)`, in one evaluation of the network."""
        return self._predict(network, condition)

    def _predict(self, network: Network, condition: Tensor) -> Tensor:
        """Evaluate the network on zeros, which stand for the noise, at time 0."""
        zeros = condition.new_zeros(condition.shape[0], *self.chunk_shape)
        return network(zeros, condition.new_zeros(condition.shape[0]), condition)


register_policy("l1", AbsoluteError, label="L1 regression")

if __name__ == "__main__":
    sys.exit(main(["--policy", "l1", "bc", *sys.argv[1:]]))
