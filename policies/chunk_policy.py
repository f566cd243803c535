"""A chunk policy: normalisers, encoder, network and objective as one module."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from policies.backbones import make_backbone, resolve_conditioning
from policies.backbones.shape import NetworkShape
from policies.counting_network import CountingNetwork, NoNetwork
from policies.encoders import WindowEncoder
from policies.normalizer import Normalizer
from policies.objectives import load_objective, make_objective
from policies.objectives.base import Noise
from policies.objectives.options import ObjectiveOptions
from policies.plans.planner import Planner
from policies.registry import unknown_name

OBSERVATION_CLIP = 5.0
"""Normalised observations are clipped to this number of standard deviations."""


@dataclass(frozen=True)
class ChunkPolicyConfig:
    """Shape and training target of a `ChunkPolicy`.

    Attributes:
        obs_dim: Numbers in one observation.
        act_dim: Numbers in one action.
        obs_horizon: Observations per window, the current one last.
        pred_horizon: Actions in a chunk; the first is for the current control step.
        objective: A key of `policies.catalogue.POLICIES`.
        prediction: What the network predicts, one of the objective's `predictions`.
        backbone: A key of `policies.catalogue.BACKBONES`.
        width: Width of the network.
        depth: Blocks of the network.
        conditioning: How observations reach the network, "film" or "concat"; empty is the
            backbone's own.
        time_sampling: Distribution of the training times of a flow; see `ObjectiveOptions`.
        pairing: How noise is paired with chunks; see `ObjectiveOptions`.
        schedule: Noise schedule of diffusion; see `ObjectiveOptions`.

    Raises:
        ValueError: A size is not a positive integer, or a name is unknown.
    """

    obs_dim: int
    act_dim: int
    obs_horizon: int = 2
    pred_horizon: int = 16
    objective: str = "flow"
    prediction: str = "sample"
    backbone: str = "mlp"
    width: int = 256
    depth: int = 3
    conditioning: str = ""
    time_sampling: str = "uniform"
    pairing: str = "independent"
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("obs_dim", "act_dim", "obs_horizon", "pred_horizon", "width", "depth"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a positive integer")
        resolve_conditioning(self.backbone, self.conditioning)
        _ = self.options
        load_objective(self.objective).check_prediction(self.prediction)

    @property
    def options(self) -> ObjectiveOptions:
        """The options of the objective."""
        return ObjectiveOptions(self.time_sampling, self.pairing, self.schedule)

    def to_json(self) -> dict[str, int | str]:
        """Return the configuration as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ChunkPolicyConfig":
        """Build a configuration from `to_json`'s dictionary.

        Raises:
            ValueError: A key is unknown or missing, or a value is not accepted.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name("field of ChunkPolicyConfig", key, known)
        missing = [key for key in ("obs_dim", "act_dim") if key not in values]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing; give obs_dim and act_dim")
        return cls(**values)


class Sample(NamedTuple):
    """A batch of sampled chunks.

    Attributes:
        actions: `(B, pred_horizon, act_dim)` in the environment's units, within [-1, 1].
        nfe: `(B,)` int64, network evaluations of each row, counted at the network.
    """

    actions: Tensor
    nfe: NDArray[np.int64]


class ChunkPolicy(nn.Module):
    """A policy that maps a window of observations to a chunk of actions.

    Args:
        config: Sizes and names. Initial weights come from torch's global generator, as usual in
            torch: seed or fork it before building a policy.
    """

    def __init__(self, config: ChunkPolicyConfig) -> None:
        super().__init__()
        self.config = config
        self.observation_normalizer = Normalizer(config.obs_dim, "standardize", OBSERVATION_CLIP)
        self.action_normalizer = Normalizer(config.act_dim, "minmax")
        self.encoder = WindowEncoder(config.obs_horizon, config.obs_dim)
        objective = load_objective(config.objective)
        shape = NetworkShape(
            config.act_dim,
            config.pred_horizon,
            self.encoder.condition_dim,
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

    def fit_normalizers(
        self,
        observations: Tensor | NDArray[np.floating],
        actions: Tensor | NDArray[np.floating],
    ) -> None:
        """Fit both normalisers to training data.

        Args:
            observations: `(..., obs_dim)`.
            actions: `(..., act_dim)`.

        Raises:
            ValueError: A shape is wrong, or a value is not finite.
        """
        self.observation_normalizer.fit(observations)
        self.action_normalizer.fit(actions)

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
        return self.objective.loss(self.network, chunk, self._encode(observations), generator)

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
    ) -> Sample:
        """Sample one chunk per window of observations.

        Args:
            observations: `(B, obs_horizon, obs_dim)`.
            noise: Returns a fresh standard normal `(B, pred_horizon, act_dim)` at each call; the
                only source of randomness.
            sampler: One of `objective.samplers`; None is the objective's default.
            steps: Steps of the sampler; None is its default.

        Returns:
            The chunks and the number of network evaluations.

        Raises:
            ValueError: A shape is wrong, or the sampler is unknown or cannot take that many steps.
        """
        self._check_observations(observations)
        sampler, steps = self.objective.resolve_sampler(sampler, steps)
        sampling = partial(self.objective.sample, sampler=sampler, steps=steps)
        condition, shape = self._encode(observations), self.objective.chunk_shape
        network = CountingNetwork(
            self._planner.prepare(self.network, condition, (sampler, steps), sampling, shape)
        )
        chunk = sampling(network, condition, noise)
        actions = self.action_normalizer.unnormalize(chunk).clamp(-1.0, 1.0)
        return Sample(actions, network.nfe(len(observations)))

    def _encode(self, observations: Tensor) -> Tensor:
        condition: Tensor = self.encoder(self.observation_normalizer.normalize(observations))
        return condition

    def _check_observations(self, observations: Tensor) -> None:
        window = (self.config.obs_horizon, self.config.obs_dim)
        if observations.ndim != 3 or observations.shape[1:] != window:
            raise ValueError(
                f"observations are {tuple(observations.shape)}; "
                f"expected (B, {window[0]}, {window[1]})"
            )
