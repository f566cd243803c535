"""Mixture-density regression: a network that predicts several chunks with their probabilities."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective
from policies.objectives.options import ObjectiveOptions

MODES = 5
"""Number of modes of the mixture, as in robomimic's BC-GMM."""
LEAST_DEVIATION = 1e-2
"""Smallest standard deviation of a mode, in normalised actions."""
MODE_OFFSET = 0.1
"""Size of the fixed offsets between modes; all modes of a network with zero output are equal."""


class Mixture(NamedTuple):
    """A mixture of normal distributions over chunks.

    Attributes:
        logits: Unnormalised log-weights `(B, modes)`.
        means: `(B, modes, pred_horizon, act_dim)`.
        deviations: Standard deviation of each mode, shared by all its numbers, `(B, modes)`.
    """

    logits: Tensor
    means: Tensor
    deviations: Tensor


class MixtureDensity(Objective, entry=POLICIES["gmm"]):
    """Mixture-density network with 5 modes (Bishop 2006, section 5.6), after robomimic's BC-GMM.

    The network has zeros as noisy actions and t = 0, as for behaviour cloning. For every mode it
    predicts a weight `w`, a mean chunk `m` and a standard deviation `s`, trained by the negative
    log-likelihood (Bishop, eq. 5.153)

        loss = -log sum_k w_k * N(actions; m_k, s_k^2 I).

    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1]. Each mode is a complete chunk,
    so that a sampled chunk stays in one mode from its first action to its last; the mixture of
    BC-GMM (Mandlekar et al. 2021, arXiv 2108.03298) is over single actions. As there, a policy acts
    almost without noise: sampling (`mixture`, one evaluation) draws a mode and returns its mean.
    """

    mode_offsets: Tensor

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__(prediction, chunk_shape, options)
        # Fixed offsets, whose signs and sizes differ between modes and dimensions.
        phases = torch.outer(torch.arange(1, MODES + 1), torch.arange(1, chunk_shape[1] + 1))
        offsets = MODE_OFFSET * torch.sin(phases.double()).float()
        self.register_buffer("mode_offsets", offsets[:, None, :], persistent=False)

    @classmethod
    def outputs_per_action(cls, act_dim: int) -> int:
        """Return the outputs per action: an action, a weight and a deviation for each mode."""
        return MODES * act_dim + 2 * MODES

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the negative log-likelihood per number of a chunk; no randomness.

        It is measured from its lowest possible value, so that it is at least 0. See
        `Objective.loss`.
        """
        mixture = self.predict(network, condition)
        errors = (actions[:, None] - mixture.means).square().flatten(2).mean(-1)
        # Per number: -log N(a; mean, s^2) = log s + (a - mean)^2 / 2 s^2 + log(2 pi) / 2, with
        # log s + log(2 pi) / 2 measured from its value at the least deviation.
        nll = (mixture.deviations / LEAST_DEVIATION).log()
        nll = nll + 0.5 * errors / mixture.deviations.square()
        # Bishop 2006, eq. 5.153: -log sum_k weight_k N_k, per number of the chunk
        numbers = math.prod(self.chunk_shape)
        log_weights = F.log_softmax(mixture.logits, dim=-1)
        return -torch.logsumexp(log_weights - numbers * nll, dim=-1).mean() / numbers

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Evaluate the network once, draw a mode and return its mean. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        mixture = self.predict(network, condition)
        # The CDF of the normal distribution maps a standard normal number to a uniform one.
        uniform = torch.special.ndtr(noise()[:, 0, 0])
        edges = F.softmax(mixture.logits, dim=-1).cumsum(dim=-1)[:, :-1]
        mode = (edges <= uniform[:, None]).sum(dim=-1)
        return mixture.means[torch.arange(mode.shape[0], device=mode.device), mode]

    def predict(self, network: Network, condition: Tensor) -> Mixture:
        """Evaluate the network and interpret its outputs as a mixture.

        Args:
            network: A network with `outputs_per_action` outputs.
            condition: Encoded observations `(B, C)`.
        """
        batch, (horizon, act_dim) = condition.shape[0], self.chunk_shape
        zeros = condition.new_zeros((batch, horizon, act_dim))
        outputs = network(zeros, condition.new_zeros(batch), condition)
        sizes = [MODES * act_dim, MODES, MODES]
        means, logits, deviations = torch.split(outputs, sizes, dim=-1)
        means = means.reshape(batch, horizon, MODES, act_dim).transpose(1, 2) + self.mode_offsets
        # Weight and deviation of a chunk: the mean of the outputs at its actions.
        deviations = F.softplus(deviations.mean(dim=1)) + LEAST_DEVIATION
        return Mixture(logits.mean(dim=1), means, deviations)
