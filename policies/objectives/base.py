"""What an objective is: a loss to train a network with, and a way to sample from it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from policies.catalogue import PolicyEntry, StepLimits
from policies.objectives.options import ObjectiveOptions
from policies.registry import unknown_name
from policies.samplers.names import SamplerName, parse_sampler

Network: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``(noisy_actions (B, Tp, act_dim), time, condition (B, C)) -> (B, Tp, outputs)``.

The time is ``(B,)``, or ``(B, 2)`` for objectives whose network is told the length of a step too.
"""
Noise: TypeAlias = Callable[[], Tensor]
"""Returns a fresh standard normal ``(B, Tp, act_dim)`` at each call."""


@runtime_checkable
class RowNetwork(Protocol):
    """A network that can be told which rows an evaluation is for, to count them."""

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the network for the rows where `active`, ``(B,)`` bool, holds."""

    def nfe(self, batch: int) -> NDArray[np.int64]:
        """Return the evaluations of each of `batch` rows, ``(batch,)``."""


class Objective(nn.Module, ABC):
    """One way to train a chunk network, and to sample from it. Chunks here are normalised.

    It is a module only so that tables move with the policy; the network is always an argument.

    Args:
        prediction: What the network predicts, one of `predictions`.
        chunk_shape: ``(pred_horizon, act_dim)``.
        options: Choices inside the objective; those it does not read are ignored.

    Attributes:
        predictions: What the network may predict; this and the next are in words at
            `policies.catalogue.PolicyEntry`. An objective of the suite reads them from its entry,
            one of a user's own states them.
        limits: Sampler name to the steps it accepts.
        default_sampler: See `PolicyEntry`, as for all below.
        planned: None is all of `limits`.
        reads: None of the options.
        trains: True.
        teacher: None.

    Raises:
        ValueError: The objective does not know this prediction.
    """

    predictions: ClassVar[tuple[str, ...]]
    limits: ClassVar[Mapping[str, StepLimits]]
    default_sampler: ClassVar[str]
    planned: ClassVar[tuple[str, ...] | None] = None
    reads: ClassVar[tuple[str, ...]] = ()
    trains: ClassVar[bool] = True
    teacher: ClassVar[str | None] = None

    def __init_subclass__(cls, entry: PolicyEntry | None = None, **others: Any) -> None:
        """Take over the facts of the objective's entry in the catalogue, if it has one."""
        super().__init_subclass__(**others)
        if entry is not None:
            cls.predictions, cls.limits = entry.predictions, entry.limits
            cls.default_sampler, cls.planned = entry.default_sampler, entry.planned
            cls.reads, cls.trains, cls.teacher = entry.reads, entry.trains, entry.teacher

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__()
        self.check_prediction(prediction)
        self.prediction = prediction
        self.chunk_shape = chunk_shape
        self.options = options

    @classmethod
    def outputs_per_action(cls, act_dim: int) -> int:
        """Return how many numbers the network has to say about each action of the chunk."""
        return act_dim

    @classmethod
    def check_prediction(cls, prediction: str) -> None:
        """Raise `ValueError` unless the objective can be trained with this prediction."""
        if prediction not in cls.predictions:
            raise unknown_name(f"prediction for {cls.__name__}", prediction, cls.predictions)

    def learn_from(self, network: nn.Module) -> None:
        """Keep a copy of the trained network of the objective `teacher`, for the loss alone.

        Raises:
            ValueError: This objective has no teacher.
        """
        raise ValueError(f"{type(self).__name__} learns from data alone: it has no teacher.")

    @property
    def capturable(self) -> bool:
        """Whether the loss needs nothing of the host, so that a CUDA graph can hold an update."""
        return True

    @property
    def samplers(self) -> tuple[str, ...]:
        """Names of the samplers this objective accepts."""
        return tuple(self.limits)

    @classmethod
    def parse_sampler(cls, sampler: str) -> SamplerName:
        """Read a sampler's name; raise `ValueError`, saying what is possible, if it is none."""
        return parse_sampler(f"sampler for {cls.__name__}", sampler, cls.limits)

    def check_sampler(self, sampler: str, steps: int) -> None:
        """Raise `ValueError`, saying what is possible, unless `sampler` can take `steps` steps."""
        if not self.limits[self.parse_sampler(sampler).name].allow(steps):
            possible = "; ".join(f"{name!r} takes {each}" for name, each in self.limits.items())
            raise ValueError(
                f"{type(self).__name__} cannot take {steps} steps with {sampler!r}: {possible}."
            )

    def resolve_sampler(self, sampler: str | None, steps: int | None) -> tuple[str, int]:
        """Fill in the default sampler and its default steps.

        Args:
            sampler: A name out of `samplers`, with its suffix if it has one; None is
                `default_sampler`.
            steps: Number of steps; None is the sampler's default.

        Returns:
            The one name of the sampler and the steps, checked.

        Raises:
            ValueError: The sampler is unknown, or cannot take that many steps.
        """
        parsed = self.parse_sampler(self.default_sampler if sampler is None else sampler)
        sampler = str(parsed)
        if steps is None:
            steps = self.limits[parsed.name].default
        self.check_sampler(sampler, steps)
        return sampler, steps

    @abstractmethod
    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the training loss.

        Args:
            network: The network to train.
            actions: Clean chunks ``(B, pred_horizon, act_dim)``, normalised to [-1, 1].
            condition: Encoded observations ``(B, C)``.
            generator: The only source of randomness, on any device.

        Returns:
            A scalar tensor to differentiate.

        Raises:
            RuntimeError: The objective has no network to train.
        """

    def memorise(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> None:
        """Keep the training data; an objective whose `trains` is False overrides this.

        Args:
            observations: Every observation, ``(rows, obs_dim)``, normalised.
            actions: Every action, ``(steps, act_dim)``, normalised.
            observation_index: Rows of each window, ``(N, obs_horizon)``.
            action_index: Steps of the chunk that belongs to each window, ``(N, pred_horizon)``.

        Raises:
            RuntimeError: The objective trains a network.
        """
        raise RuntimeError(f"{type(self).__name__} trains a network; it keeps no data.")

    @abstractmethod
    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Return sampled chunks ``(B, pred_horizon, act_dim)``, normalised.

        Args:
            network: The trained network.
            condition: Encoded observations ``(B, C)``.
            noise: The only source of randomness.
            sampler: A name out of `samplers`, with its suffix if it has one.
            steps: Steps of the sampler.

        Raises:
            ValueError: `check_sampler` does not accept the sampler with these steps.
        """


def normal_like(actions: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a standard normal like `actions` on the generator's device, and move it to theirs."""
    noise = torch.randn(
        actions.shape, dtype=actions.dtype, generator=generator, device=generator.device
    )
    return noise.to(actions.device)
