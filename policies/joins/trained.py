"""Training-time real-time chunking: the policy has learnt to continue the previous chunk."""

import torch
from torch import Tensor

from policies.chunk_policy import Prefix, Sample
from policies.joins.base import Join, JoinSetting, Rows
from policies.objectives.base import Noise


class TrainedContinuation(Join):
    """Training-time real-time chunking (Black et al. 2025, arXiv 2512.05964).

    The actions of the previous chunk that are executed until a chunk takes over are part of its
    condition; see `ChunkPolicy.encode`. It costs no further evaluation.

    Args:
        setting: What it depends on.

    Raises:
        ValueError: The policy was not trained for this delay, or the previous chunk is too short.
    """

    def __init__(self, setting: JoinSetting) -> None:
        super().__init__(setting)
        config = setting.policy.config
        most = min(config.prefix, config.pred_horizon - setting.interval)
        if not config.prefix or setting.delay > most:
            raise ValueError(
                f"delay is {setting.delay}; the policy was trained to continue {config.prefix} "
                f"actions, and the previous chunk has {config.pred_horizon - setting.interval}"
            )

    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """See `Join.sample`."""
        policy, sampler, steps, *_, delay = self.setting
        previous, known = self.earlier(rows, policy.config.act_dim)
        device = observations.device
        given = torch.where(known, delay, 0).to(device)
        prefix = Prefix(previous[:, : policy.config.prefix].to(device), given)
        sample = policy.sample(observations, noise, sampler, steps, prefix=prefix)
        self.keep(rows, sample.actions)
        return sample
