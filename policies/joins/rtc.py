"""Inference-time real-time chunking: a chunk is sampled so that it continues the previous one."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from policies.chunk_policy import Sample
from policies.guidance import Coefficients, GuidedNetwork, soft_weights
from policies.joins.base import Join, JoinSetting, Rows
from policies.objectives.base import Denoiser, Noise


class RealTimeChunking(Join):
    """Real-time chunking at inference (Black, Galliker & Levine 2025, arXiv 2506.07339).

    Every step of the sampler is guided towards the previous chunk (`policies.guidance`), fully
    where its actions will be executed anyway, less and less thereafter. A chunk whose weights are
    all zero, as the first one of an episode, is a plain sample.

    Args:
        setting: What it depends on; the objective must be a `Denoiser`.
        exact: Whether the Jacobian is that of the network; see `GuidedNetwork`.

    Raises:
        ValueError: The objective cannot be guided, or the delay is longer than the previous chunk.
    """

    def __init__(self, setting: JoinSetting, exact: bool = True) -> None:
        super().__init__(setting)
        config, objective = setting.policy.config, setting.policy.objective
        if not (objective.denoises and isinstance(objective, Denoiser)):
            raise ValueError(f"{config.objective} takes no steps from noise that could be guided")
        self._denoiser, self._exact = objective, exact
        self._known: dict[float, Coefficients] = {}
        self._weights = soft_weights(config.pred_horizon, setting.interval, setting.delay)

    def sample(self, rows: Rows, observations: Tensor, noise: Noise) -> Sample:
        """See `Join.sample`; a backward pass counts as an evaluation."""
        previous, known = self.earlier(rows, self.setting.policy.config.act_dim)
        known &= bool(self._weights.any())
        draws: list[Tensor] = []
        if not known.all():
            sample = self.sampling(observations, partial(_record, noise, draws))
            actions, nfe = sample.actions.cpu().clone(), sample.nfe.copy()
        if known.any():
            replayed = partial(next, iter(draws)) if draws else noise
            guided = self._guided(observations, replayed, previous, known)
            if known.all():
                actions, nfe = guided.actions.cpu(), guided.nfe
            else:
                actions[known] = guided.actions.cpu()[known]
                nfe[known.numpy()] = guided.nfe[known.numpy()]
        self.keep(rows, actions)
        return Sample(actions, nfe)

    def _guided(
        self, observations: Tensor, noise: Noise, previous: Tensor, known: Tensor
    ) -> Sample:
        """Sample every chunk, those of `known` guided."""
        policy, sampler, steps, *_ = self.setting
        device = observations.device
        guide = partial(
            GuidedNetwork,
            denoiser=self._denoiser,
            target=policy.action_normalizer.normalize(previous.to(device)),
            weights=(self._weights * known[:, None])[..., None].to(device),
            exact=self._exact,
            known=self._known,
        )
        sample = policy.sample(observations, noise, sampler, steps, guide)
        return Sample(sample.actions, sample.nfe * (2 if self._exact else 1))


def _record(noise: Noise, draws: list[Tensor]) -> Tensor:
    """Draw, and keep what was drawn."""
    draws.append(noise())
    return draws[-1]


identity_jacobian: Callable[[JoinSetting], RealTimeChunking] = partial(
    RealTimeChunking, exact=False
)
