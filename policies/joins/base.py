"""Base class of joins: sampling a chunk that follows the chunks of earlier decisions."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.chunk_policy import ChunkPolicy, Sample
from policies.graph_sampler import Sampling, make_sampling
from policies.objectives.base import Noise

Rows = NDArray[np.integer]


class JoinSetting(NamedTuple):
    """What a join depends on.

    Attributes:
        policy: The policy, in evaluation mode.
        sampler: One of the objective's samplers.
        steps: Its steps.
        batch: Rows of each call.
        interval: Control steps from one decision to the next, at least 1.
        delay: Control steps from an observation to the first action decided from it, at least 0.
    """

    policy: ChunkPolicy
    sampler: str
    steps: int
    batch: int
    interval: int
    delay: int = 0


class Join(ABC):
    """Samples chunks, each as the next one of its row's episode.

    What it returns for a row depends on the row's own episode alone.

    Args:
        setting: What it depends on.
    """

    def __init__(self, setting: JoinSetting) -> None:
        self.setting = setting
        self._earlier: dict[int, Tensor] = {}
        self._sampling: Sampling | None = None

    def begin(self, rows: Iterable[int]) -> None:
        """Begin an episode in `rows`: no chunk comes before its first one."""
        for row in rows:
            self._earlier.pop(row, None)

    @abstractmethod
    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """Sample the next chunk of each row.

        Args:
            rows: `(batch,)`; a row that is repeated has the same observations and noise.
            observations: `(batch, obs_horizon, obs_dim)`, on the policy's device.
            noise: See `ChunkPolicy.sample`.

        Returns:
            Chunks `(batch, pred_horizon, act_dim)` in the environment's units, within [-1, 1].
        """

    @property
    def sampling(self) -> Sampling:
        """The fastest way to sample a batch of chunks without regard to earlier ones."""
        if self._sampling is None:
            policy, sampler, steps, batch, *_ = self.setting
            self._sampling = make_sampling(policy, sampler, steps, batch)
        return self._sampling

    def keep(self, rows: Rows, values: Tensor) -> None:
        """Keep values `(batch, pred_horizon, n)` of the chunks of `rows` for the next decision."""
        for row, value in zip(rows.tolist(), values.cpu(), strict=True):
            self._earlier[row] = value

    def earlier(self, rows: Rows, width: int) -> tuple[Tensor, Tensor]:
        """Return what was kept, moved on to the present decision.

        Args:
            rows: `(batch,)`.
            width: The last dimension of what was kept.

        Returns:
            Values `(batch, pred_horizon, width)`, zero after the end of an earlier chunk, and
            whether there is an earlier chunk, `(batch,)` bool, both on the host.
        """
        horizon, interval = self.setting.policy.config.pred_horizon, self.setting.interval
        values = torch.zeros(len(rows), horizon, width)
        known = torch.zeros(len(rows), dtype=torch.bool)
        reach = max(0, horizon - interval)
        for k, row in enumerate(rows.tolist()):
            if row in self._earlier:
                values[k, :reach] = self._earlier[row][interval:]
                known[k] = True
        return values, known
