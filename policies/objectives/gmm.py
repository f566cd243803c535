"""Mixture-density regression: a network that says several chunks, and how likely each is."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective
from policies.objectives.options import ObjectiveOptions

MODES = 5
"""Modes of the mixture, as robomimic's BC-GMM has."""
LEAST_DEVIATION = 1e-2
"""Smallest deviation of a mode, of a normalised action."""
MODE_OFFSET = 0.1
"""How far apart the modes begin: a network whose outputs start at 0 could not part them."""


class Mixture(NamedTuple):
    """A mixture of normal distributions of the whole chunk.

    Attributes:
        logits: Unnormalised log-weights ``(B, modes)``.
        means: ``(B, modes, pred_horizon, act_dim)``.
        deviations: One of each mode, alike for all its numbers, ``(B, modes)``.
    """

    logits: Tensor
    means: Tensor
    deviations: Tensor


class MixtureDensity(Objective, entry=POLICIES["gmm"]):
    """Mixture-density network of 5 modes, as robomimic's BC-GMM (Mandlekar et al. 2021).

    arXiv 2108.03298; a mixture density network is Bishop's (2006, section 5.6). A mode is a whole
    chunk with one weight and one deviation, so that a sampled chunk follows one of the ways from
    its first action to its last; robomimic's mixture is over single actions. As in robomimic, a
    policy acts with next to no noise: here exactly the mean of the mode that was drawn.

    The network is fed zeros at t = 0, as for behaviour cloning.
    """

    mode_offsets: Tensor

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__(prediction, chunk_shape, options)
        # A function of the shape alone: signs and sizes that differ between modes and dimensions.
        phases = torch.outer(torch.arange(1, MODES + 1), torch.arange(1, chunk_shape[1] + 1))
        offsets = MODE_OFFSET * torch.sin(phases.double()).float()
        self.register_buffer("mode_offsets", offsets[:, None, :], persistent=False)

    @classmethod
    def outputs_per_action(cls, act_dim: int) -> int:
        """Return the numbers of all modes' actions, with a weight and a deviation for each."""
        return MODES * act_dim + 2 * MODES

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the negative log-likelihood of each number of a chunk; draws nothing.

        It is counted from its lowest possible value, so that it is never below 0. See
        `Objective.loss`.
        """
        mixture = self.predict(network, condition)
        errors = (actions[:, None] - mixture.means).square().flatten(2).mean(-1)
        # Per number: -log N(a; mean, s^2) = log s + (a - mean)^2 / 2 s^2 + log(2 pi) / 2, with
        # log s + log(2 pi) / 2 counted from the least deviation.
        surprise = (mixture.deviations / LEAST_DEVIATION).log()
        surprise = surprise + 0.5 * errors / mixture.deviations.square()
        # Bishop 2006, eq. 5.153: -log sum_k weight_k N_k, over the chunk's numbers
        numbers = math.prod(self.chunk_shape)
        log_weights = F.log_softmax(mixture.logits, dim=-1)
        return -torch.logsumexp(log_weights - numbers * surprise, dim=-1).mean() / numbers

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Evaluate the network once, draw a mode and return its mean. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        mixture = self.predict(network, condition)
        # The normal distribution's own CDF makes a uniform number of a standard normal one.
        uniform = torch.special.ndtr(noise()[:, 0, 0])
        edges = F.softmax(mixture.logits, dim=-1).cumsum(dim=-1)[:, :-1]
        mode = (edges <= uniform[:, None]).sum(dim=-1)
        return mixture.means[torch.arange(len(mode), device=mode.device), mode]

    def predict(self, network: Network, condition: Tensor) -> Mixture:
        """Evaluate the network and read its outputs as a mixture.

        Args:
            network: Has `outputs_per_action` outputs.
            condition: Encoded observations ``(B, C)``.
        """
        batch, (horizon, act_dim) = len(condition), self.chunk_shape
        zeros = condition.new_zeros((batch, horizon, act_dim))
        outputs = network(zeros, condition.new_zeros(batch), condition)
        sizes = [MODES * act_dim, MODES, MODES]
        means, logits, deviations = torch.split(outputs, sizes, dim=-1)
        means = means.reshape(batch, horizon, MODES, act_dim).transpose(1, 2) + self.mode_offsets
        # A weight and a deviation are the chunk's: the mean of what is said at its actions.
        deviations = F.softplus(deviations.mean(dim=1)) + LEAST_DEVIATION
        return Mixture(logits.mean(dim=1), means, deviations)
