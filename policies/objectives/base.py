"""Base class of objectives: a training loss, and a way to sample from the trained network."""

import copy
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
"""`(noisy_actions (B, Tp, act_dim), time, condition (B, C)) -> (B, Tp, outputs)`.

The time is `(B,)`, or `(B, 2)`, time and step length, for objectives over average velocities.
"""
Noise: TypeAlias = Callable[[], Tensor]
"""Returns a fresh standard normal `(B, Tp, act_dim)` at each call."""


@runtime_checkable
class RowNetwork(Protocol):
    """A network that counts its evaluations per row."""

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the network, and count the rows where `active`, `(B,)` bool, is true."""

    def nfe(self, batch: int) -> NDArray[np.int64]:
        """Return the evaluations of each of `batch` rows, `(batch,)`."""


@runtime_checkable
class Denoiser(Protocol):
    """An objective whose network predicts, from a noisy chunk, the clean one or what implies it.

    A noisy chunk is `signal chunk + noise_level noise`. Its methods take the network's time `(B,)`.

    Attributes:
        prediction: What the network predicts; where it is the noise, "epsilon".
    """

    prediction: str

    def levels(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Return the signal level and the noise level, each `(B,)`."""

    def clean_chunk(self, output: Tensor, noisy_actions: Tensor, time: Tensor) -> Tensor:
        """Return the clean chunk that the network's output implies, `(B, Tp, act_dim)`."""

    def output_change(self, change: Tensor, time: Tensor) -> Tensor:
        """Return by how much the output changes with the clean chunk, at the same noisy chunk.

        Args:
            change: Change of the clean chunk, `(B, Tp, act_dim)`.
            time: The time.
        """


class Objective(nn.Module, ABC):
    """A loss that trains a chunk network, and the samplers of the trained network.

    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1]. An objective is a module only so
    that its tables move with the policy; the network is always an argument.

    Args:
        prediction: What the network predicts, one of `predictions`.
        chunk_shape: `(pred_horizon, act_dim)`.
        options: Options of objectives; those it does not use are ignored.

    Attributes:
        predictions: What the network may predict. All attributes are those of
            `policies.catalogue.PolicyEntry`; an objective of the suite takes them from its entry,
            one outside the suite must define the first three.
        limits: Sampler name to the steps it accepts.
        default_sampler: The sampler used unless one is given.
        planned: The samplers that a run evaluates by default; None is all of `limits`.
        reads: The options that the objective uses.
        least: The least number of an option, with the reason, where it is above that of the option.
        trains: Whether it trains a network; if not, it stores the training data instead.
        draws: Whether its chunks depend on noise.
        denoises: Whether it is a `Denoiser` whose sampling can be guided.
        teacher: The objective whose trained network it learns from, or None.
        shares: The options that must be those of its teacher.
        largest_average_decay: Largest decay of the averaged weights per update, where a loss that
            uses them must soon see what was learnt; they are also those that act.

    Raises:
        ValueError: The objective does not accept this prediction, or a number is too low for it.
    """

    predictions: ClassVar[tuple[str, ...]]
    limits: ClassVar[Mapping[str, StepLimits]]
    default_sampler: ClassVar[str]
    planned: ClassVar[tuple[str, ...] | None] = None
    reads: ClassVar[tuple[str, ...]] = ()
    least: ClassVar[Mapping[str, tuple[int, str]]] = {}
    trains: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    denoises: ClassVar[bool] = False
    teacher: ClassVar[str | None] = None
    shares: ClassVar[tuple[str, ...]] = ()
    largest_average_decay: ClassVar[float] = 1.0

    def __init_subclass__(cls, entry: PolicyEntry | None = None, **options: Any) -> None:
        """Set the attributes from the objective's entry in the catalogue, if it has one."""
        super().__init_subclass__(**options)
        if entry is not None:
            cls.predictions, cls.limits = entry.predictions, entry.limits
            cls.default_sampler, cls.planned = entry.default_sampler, entry.planned
            cls.reads, cls.least = entry.reads, entry.least
            cls.trains, cls.teacher, cls.shares = entry.trains, entry.teacher, entry.shares
            cls.draws, cls.denoises = entry.draws, entry.denoises

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__()
        self.check_prediction(prediction)
        for option, (least, reason) in self.least.items():
            if (given := getattr(options, option)) < least:
                name = type(self).__name__
                raise ValueError(f"{option} is {given}; {name} needs at least {least}: {reason}")
        self.prediction = prediction
        self.chunk_shape = chunk_shape
        self.options = options
        self._companions: dict[str, nn.Module] = {}  # a dict hides them from `parameters()`

    @classmethod
    def outputs_per_action(cls, act_dim: int) -> int:
        """Return the number of network outputs per action of the chunk."""
        return act_dim

    @classmethod
    def check_prediction(cls, prediction: str) -> None:
        """Raise `ValueError` unless the objective accepts this prediction."""
        if prediction not in cls.predictions:
            raise unknown_name(f"prediction for {cls.__name__}", prediction, cls.predictions)

    def learn_from(self, network: nn.Module) -> None:
        """Keep a frozen copy of the teacher's trained network, for use in the loss.

        Raises:
            ValueError: This objective has no teacher.
        """
        if self.teacher is None:
            raise ValueError(f"{type(self).__name__} has no teacher; it learns from data alone")
        frozen = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self._companions["teacher"] = frozen

    def follow(self, network: nn.Module) -> None:
        """Keep the network with averaged weights, not a copy of it, for use in the loss."""
        self._companions["average"] = network

    def taught_by(self) -> nn.Module:
        """Return the teacher's network, which is used in the loss alone.

        It is no part of parameters, state or copies, and neither is the average.

        Raises:
            ValueError: There is none.
        """
        if "teacher" not in self._companions:
            raise ValueError(
                f"{type(self).__name__} has no teacher; give it a trained {self.teacher} with "
                "`learn_from`"
            )
        return self._companions["teacher"]

    def averaged(self, network: Network) -> Network:
        """Return the network with averaged weights; the network itself if it follows none."""
        return self._companions.get("average", network)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Objective":
        """Also apply `to`, `cuda` or `double` to the companions."""
        for network in self._companions.values():
            network._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leave the companions out of copies, which are only used to act."""
        return {**self.__dict__, "_companions": {}}

    @property
    def capturable(self) -> bool:
        """Whether the loss runs entirely on the device, so that a CUDA graph can capture it."""
        return True

    @property
    def samplers(self) -> tuple[str, ...]:
        """Names of the samplers this objective accepts."""
        return tuple(self.limits)

    @classmethod
    def parse_sampler(cls, sampler: str) -> SamplerName:
        """Parse a sampler's name; raise `ValueError` with the valid names if it is invalid."""
        return parse_sampler(f"sampler for {cls.__name__}", sampler, cls.limits)

    def check_sampler(self, sampler: str, steps: int) -> None:
        """Raise `ValueError` with the valid steps unless `sampler` can take `steps` steps."""
        if not self.limits[self.parse_sampler(sampler).name].allow(steps):
            accepted = "; ".join(f"{name!r} takes {limits}" for name, limits in self.limits.items())
            raise ValueError(f"steps is {steps} for {sampler!r}; {accepted}")

    def resolve_sampler(self, sampler: str | None, steps: int | None) -> tuple[str, int]:
        """Fill in the default sampler and its default steps.

        Args:
            sampler: One of `samplers`, with its suffix if it has one; None is `default_sampler`.
            steps: Number of steps; None is the sampler's default.

        Returns:
            The canonical name of the sampler and the steps, both valid.

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
            actions: Clean chunks `(B, pred_horizon, act_dim)`, normalised to [-1, 1].
            condition: Encoded observations `(B, C)`.
            generator: The only source of randomness, on any device.

        Returns:
            A differentiable scalar.

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
        """Store the training data; an objective whose `trains` is False overrides this.

        Args:
            observations: Every observation, `(rows, obs_dim)`, normalised.
            actions: Every action, `(steps, act_dim)`, normalised.
            observation_index: Rows of each window, `(N, obs_horizon)`.
            action_index: Steps of each window's chunk, `(N, pred_horizon)`.

        Raises:
            RuntimeError: The objective trains a network.
        """
        raise RuntimeError(f"{type(self).__name__} trains a network; it stores no data")

    @abstractmethod
    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Return sampled chunks `(B, pred_horizon, act_dim)`, normalised.

        Args:
            network: The trained network.
            condition: Encoded observations `(B, C)`.
            noise: The only source of randomness.
            sampler: One of `samplers`, with its suffix if it has one.
            steps: Steps of the sampler.

        Raises:
            ValueError: `check_sampler` does not accept the sampler with these steps.
        """


def normal_like(actions: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a standard normal like `actions`, on the generator's device, and move it to theirs."""
    noise = torch.randn(
        actions.shape, dtype=actions.dtype, generator=generator, device=generator.device
    )
    return noise.to(actions.device)
