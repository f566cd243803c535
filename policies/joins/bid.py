"""Backward coherence: of several sampled chunks the one that continues the previous chunk best."""

import torch
from torch import Tensor

from policies.chunk_policy import Sample
from policies.joins.base import Join, Rows
from policies.objectives.base import Noise

SAMPLES = 16
DECAY = 0.5
"""The constants N and rho of Liu et al."""


class NearestOfSeveral(Join):
    """Backward coherence of bidirectional decoding (Liu et al. 2024, arXiv 2408.17355, eq. 4).

    Of N chunks the one with the least distance to the previous chunk is taken, the sum over the
    control steps that both reach, from the first one that will be executed, of
    `rho^i ||a_i - previous_i||_2`. The first chunk of an episode is the first sample. The
    paper's second criterion, forward contrast with a weaker policy, is left out.
    """

    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """See `Join.sample`; the evaluations are those of all N samples."""
        first = self.sampling(observations, noise)
        best, nfe = first.actions.cpu().clone(), first.nfe.copy()
        previous, known = self.earlier(rows, best.shape[-1])
        least = self._distance(best, previous)
        for _ in range(SAMPLES - 1):
            sample = self.sampling(observations, noise)
            nfe += sample.nfe
            actions = sample.actions.cpu()
            distance = self._distance(actions, previous)
            closer = known & (distance < least)
            best[closer], least[closer] = actions[closer], distance[closer]
        self.keep(rows, best)
        return Sample(best, nfe)

    def _distance(self, actions: Tensor, previous: Tensor) -> Tensor:
        """Return the weighted distance of chunks to the previous ones, `(batch,)`."""
        policy, *_, interval, delay = self.setting
        reach = policy.config.pred_horizon - interval
        weights = DECAY ** torch.arange(max(0, reach - delay), dtype=torch.float32)
        distances = (actions - previous)[:, delay:reach].norm(dim=-1)
        total: Tensor = (distances * weights).sum(dim=1)
        return total
