"""The minimal iterative policy: regression of the action chunk in two supervised steps."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective, normal_like

SECOND_TIME = 0.9
"""The paper's `t*`, the time of the second step, whose input is 10 % noise."""


class MinimalIterativePolicy(Objective, entry=POLICIES["mip"]):
    """Two supervised regression steps (MIP; Pan et al. 2025, arXiv 2512.01809).

    The first step is behaviour cloning, the second corrects a nearly clean chunk. With `t* = 0.9`
    and `x = t* * actions + (1 - t*) * noise`,

        loss = |network(0, 0) - actions|^2 + |network(x, t*) - actions|^2.

    Sampling (`two_step`) is `first = network(0, 0)`, then `network(t* * first, t*)`: two
    evaluations and no randomness. Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].
    No distribution is fitted: of two equally good chunks the first step predicts the mean.

    This is the form in the paper. The authors' later code scales neither the chunk nor the first
    prediction by `t*`, and weights the two terms by `1 / t*^2` and `1 / (1 - t*)^2`.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the sum of the errors of both steps; see `Objective.loss`."""
        noise = normal_like(actions, generator)
        # Pan et al. 2025, the definition of MIP: I_t = t actions + (1 - t) noise at t = t*
        x_t = torch.lerp(noise, actions, SECOND_TIME)
        # |network(0, 0) - actions|^2 + |network(I_t*, t*) - actions|^2
        first = F.mse_loss(_predict(network, torch.zeros_like(actions), 0.0, condition), actions)
        second = F.mse_loss(_predict(network, x_t, SECOND_TIME, condition), actions)
        return first + second

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Evaluate the network twice; no randomness. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        zeros = condition.new_zeros((condition.shape[0], *self.chunk_shape))
        # a_0 = network(0, 0), then network(t* a_0, t*)
        first = _predict(network, zeros, 0.0, condition)
        return _predict(network, SECOND_TIME * first, SECOND_TIME, condition)


def _predict(network: Network, x_t: Tensor, t: float, condition: Tensor) -> Tensor:
    return network(x_t, x_t.new_full((x_t.shape[0],), t), condition)
