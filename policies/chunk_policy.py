"""A chunk policy: normalisers, encoder, network and objective as one module."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.chunk_policy_config import ChunkPolicyConfig as ChunkPolicyConfig
from policies.counting_network import CountingNetwork, NoNetwork
from policies.encoders import EncoderOptions, PictureEncoder, make_encoder
from policies.encoders.feature_head import FeatureHead
from policies.encoders.sight import SightEncoder
from policies.encoders.window import WindowEncoder
from policies.normalizer import Normalizer
from policies.objectives import load_objective, make_objective
from policies.objectives.base import Network, Noise
from policies.plans.planner import Planner

OBSERVATION_CLIP = 5.0
"""Normalised observations are clipped to this number of standard deviations."""


class Sample(NamedTuple):
    """A batch of sampled chunks.

    Attributes:
        actions: `(B, pred_horizon, act_dim)` in the environment's units, within [-1, 1].
        nfe: `(B,)` int64, network evaluations of each row, counted at the network.
    """

    actions: Tensor
    nfe: NDArray[np.int64]


class Prefix(NamedTuple):
    """The first actions of chunks, which are decided already.

    Attributes:
        actions: `(B, P, act_dim)` in the environment's units, P the policy's `prefix`; those beyond
            the given number do not count.
        given: How many of them are given, `(B,)` int64, 0 to P.
    """

    actions: Tensor
    given: Tensor


class ChunkPolicy(nn.Module):
    """A policy that maps a window of observations to a chunk of actions.

    Args:
        config: Sizes and names. Initial weights come from torch's global generator, as usual in
            torch: seed or fork it before building a policy.
    """

    def __init__(self, config: ChunkPolicyConfig) -> None:
        super().__init__()
        self.config = config
        self.observation_normalizer = Normalizer(config.agent_dim, "standardize", OBSERVATION_CLIP)
        self.action_normalizer = Normalizer(config.act_dim, "minmax")
        self.encoder = _make_encoder(config)
        objective = load_objective(config.objective)
        shape = NetworkShape(
            config.act_dim,
            config.pred_horizon,
            self.condition_dim,
            config.width,
            config.depth,
            config.conditioning,
            objective.outputs_per_action(config.act_dim),
        )
        self.network = make_backbone(config.backbone, shape) if objective.trains else NoNetwork()
        self.objective = make_objective(
            config.objective,
            config.prediction,
            (config.pred_horizon, config.act_dim),
            config.options,
        )
        self._planner = Planner()

    @property
    def condition_dim(self) -> int:
        """Numbers in the condition: what is observed, and the actions that are decided already."""
        return int(self.encoder.condition_dim) + self.config.prefix_dim

    def fit_normalizers(
        self,
        observations: Tensor | NDArray[np.floating],
        actions: Tensor | NDArray[np.floating],
    ) -> None:
        """Fit both normalisers to training data.

        Args:
            observations: `(..., agent_dim)`, without what is seen.
            actions: `(..., act_dim)`.

        Raises:
            ValueError: A shape is wrong, or a value is not finite.
        """
        self.observation_normalizer.fit(observations)
        self.action_normalizer.fit(actions)

    def fit_features(self, blocks: Iterable[Tensor]) -> None:
        """Fit the standardisation of stored features to training data.

        Args:
            blocks: All features in any number of parts `(n, seen_dim)`.

        Raises:
            RuntimeError: The policy sees no stored features.
            ValueError: A part has another shape, or there are no rows.
        """
        eyes = getattr(self.encoder, "eyes", None)
        if not isinstance(eyes, FeatureHead):
            raise RuntimeError("This policy sees no stored features.")
        eyes.fit(blocks)

    def trained_eyes(self) -> list[nn.Parameter]:
        """Return the parameters of an encoder that is trained on pictures; none without one."""
        eyes = getattr(self.encoder, "eyes", None)
        return list(eyes.parameters()) if isinstance(eyes, PictureEncoder) else []

    def see_with(self, eyes: nn.Module) -> None:
        """Copy the weights of an encoder's network, not those of its heads, to the policy's own.

        Args:
            eyes: An encoder of pictures with a `network`.
        """
        own = getattr(self.encoder, "eyes", None)
        assert isinstance(own, PictureEncoder)
        own.get_submodule("network").load_state_dict(eyes.get_submodule("network").state_dict())

    def loss(self, observations: Tensor, actions: Tensor, generator: torch.Generator) -> Tensor:
        """Return the training loss of one batch.

        Args:
            observations: `(B, obs_horizon, obs_dim)`.
            actions: `(B, pred_horizon, act_dim)`, in the environment's units.
            generator: The only source of randomness, on any device.

        Returns:
            A scalar tensor to differentiate.

        Raises:
            ValueError: A shape is wrong.
        """
        self._check_observations(observations)
        expected = (len(observations), *self.objective.chunk_shape)
        if actions.shape != expected:
            raise ValueError(f"actions are {tuple(actions.shape)}; expected {expected}")
        chunk = self.action_normalizer.normalize(actions)
        prefix = None
        if most := self.config.prefix:
            given = torch.randint(
                most + 1, (len(actions),), generator=generator, device=generator.device
            )
            prefix = Prefix(actions[:, :most], given.to(actions.device))
        condition = self.encode(observations, prefix)
        return self.objective.loss(self.network, chunk, condition, generator)

    def memorise(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> None:
        """Store the training data in an objective that trains no network.

        Args:
            observations: Every observation, `(rows, obs_dim)`.
            actions: Every action, `(steps, act_dim)`, in the environment's units.
            observation_index: Rows of each window, `(N, obs_horizon)`.
            action_index: Steps of each window's chunk, `(N, pred_horizon)`.

        Raises:
            RuntimeError: The objective trains a network.
            ValueError: A shape is wrong, or an index points outside the data.
        """
        self.objective.memorise(
            self.observation_normalizer.normalize(observations),
            self.action_normalizer.normalize(actions),
            observation_index,
            action_index,
        )

    def sample(
        self,
        observations: Tensor,
        noise: Noise,
        sampler: str | None = None,
        steps: int | None = None,
        guide: Callable[[Network], Network] | None = None,
        prefix: Prefix | None = None,
    ) -> Sample:
        """Sample one chunk per window of observations.

        Args:
            observations: `(B, obs_horizon, obs_dim)`.
            noise: Returns a fresh standard normal `(B, pred_horizon, act_dim)` at each call; the
                only source of randomness.
            sampler: One of `objective.samplers`; None is the objective's default.
            steps: Steps of the sampler; None is its default.
            guide: Wraps the network in this call.
            prefix: The first actions of the chunks, if the policy was trained for some; None for
                none.

        Returns:
            The chunks and the number of network evaluations.

        Raises:
            ValueError: A shape is wrong, or the sampler is unknown or cannot take that many steps.
        """
        self._check_observations(observations)
        sampler, steps = self.objective.resolve_sampler(sampler, steps)
        sampling = partial(self.objective.sample, sampler=sampler, steps=steps)
        condition, shape = self.encode(observations, prefix), self.objective.chunk_shape
        planned = self._planner.prepare(self.network, condition, (sampler, steps), sampling, shape)
        network = CountingNetwork(planned if guide is None else guide(planned))
        chunk = sampling(network, condition, noise)
        return Sample(self.actions_of(chunk), network.nfe(len(observations)))

    def actions_of(self, chunk: Tensor) -> Tensor:
        """Map a sampled chunk, normalised, to actions within [-1, 1], both `(B, Tp, act_dim)`."""
        return self.action_normalizer.unnormalize(chunk).clamp(-1.0, 1.0)

    def encode(self, observations: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Map observations `(B, obs_horizon, obs_dim)` to conditions `(B, condition_dim)`.

        Training-time real-time chunking (Black et al. 2025, arXiv 2512.05964) trains a policy to
        continue the first actions of a chunk, which are clean where the rest is noise. Here they
        are part of the condition, as numbers and a mask, so that every objective and network can
        do it; the loss is over the whole chunk.

        Args:
            observations: The observations.
            prefix: The first actions of the chunks; None for none.
        """
        seen = self._encode_observations(observations)
        if not self.config.prefix:
            return seen
        if prefix is None:
            return torch.cat((seen, seen.new_zeros(seen.shape[0], self.config.prefix_dim)), dim=1)
        index = torch.arange(self.config.prefix, device=seen.device)
        is_given = (index < prefix.given[:, None]).to(seen.dtype)
        actions = self.action_normalizer.normalize(prefix.actions) * is_given[..., None]
        return torch.cat((seen, actions.flatten(1), is_given), dim=1)

    def _encode_observations(self, observations: Tensor) -> Tensor:
        config = self.config
        if not config.seen_dim:
            condition: Tensor = self.encoder(self.observation_normalizer.normalize(observations))
            return condition
        agent = observations[..., : config.agent_dim]
        seen = observations[..., config.agent_dim :]
        condition = self.encoder(self.observation_normalizer.normalize(agent), seen)
        return condition

    def _check_observations(self, observations: Tensor) -> None:
        window = (self.config.obs_horizon, self.config.obs_dim)
        if observations.ndim != 3 or observations.shape[1:] != window:
            raise ValueError(
                f"observations are {tuple(observations.shape)}; "
                f"expected (B, {window[0]}, {window[1]})"
            )


def _make_encoder(config: ChunkPolicyConfig) -> WindowEncoder | SightEncoder:
    """Build the encoder of a policy's observations."""
    if not config.seen_dim:
        return WindowEncoder(config.obs_horizon, config.obs_dim)
    if config.groups:
        eyes = FeatureHead(config.seen_dim, config.groups, config.features or None)
        return SightEncoder(config.obs_horizon, config.agent_dim, eyes, None)
    options = EncoderOptions(features=config.features, head=config.head, model=config.model)
    encoder = make_encoder(config.encoder, config.picture_shape, options)
    return SightEncoder(config.obs_horizon, config.agent_dim, encoder, config.picture_shape)
