"""Temporal ensembling: the average of all chunks that reach a control step."""

import torch
from torch import Tensor

from policies.chunk_policy import Sample
from policies.joins.base import Join, Rows
from policies.objectives.base import Noise

AGE_WEIGHT = 0.01
"""The constant m of Zhao et al.: a larger one gives more weight to the earlier chunks."""


class TemporalEnsemble(Join):
    """Temporal ensembling of ACT (Zhao et al. 2023, arXiv 2304.13705, section IV-B).

    The action of a control step is the mean of the actions that all chunks so far have for it,
    with the weights `exp(-m i)`, i = 0 for the earliest chunk (Algorithm 2). ACT decides at every
    control step; here the decisions are those of the run, so that the evaluations of the network
    are, too, and a control step is reached by pred_horizon / interval chunks at most.
    """

    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """See `Join.sample`."""
        sample = self.sampling(observations, noise)
        actions = sample.actions.cpu()
        width = actions.shape[-1]
        # For every control step: the weighted sum of earlier actions, of weights, and their number.
        earlier, _ = self.earlier(rows, width + 2)
        weighted, weights, count = (
            earlier[..., :width],
            earlier[..., width : width + 1],
            earlier[..., width + 1 :],
        )
        weight = torch.exp(-AGE_WEIGHT * count)
        weighted, weights = weighted + weight * actions, weights + weight
        self.keep(rows, torch.cat((weighted, weights, count + 1), dim=-1))
        return Sample((weighted / weights).clamp(-1.0, 1.0), sample.nfe)
