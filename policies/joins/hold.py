"""No join: every chunk as it is sampled, which is naive asynchronous execution under a delay."""

from torch import Tensor

from policies.chunk_policy import Sample
from policies.joins.base import Join, Rows
from policies.objectives.base import Noise


class Hold(Join):
    """Samples every chunk from its observations alone."""

    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """See `Join.sample`."""
        del rows
        return self.sampling(observations, noise)
