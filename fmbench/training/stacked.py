"""One update of several trainings of one policy at once, by batched products.

A small network leaves most of a GPU idle, and the cost of an update is the number of its
operations. In a stack every operation is done for all trainings at once.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fmbench.training.draws import Draw, Playing, Recording
from fmbench.training.replayed import Replayed
from fmbench.training.stacked_linear import FewerOperations
from fmbench.training.stacked_state import Named, StackedState, weights_of
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import Update
from fmbench.training.windows import Windows
from policies.catalogue import BACKBONES, POLICIES

SIZES = (8, 4)
"""Trainings in a stack, the largest first. A stack always has its size, and empty places are
filled: products of another size may be rounded differently. Filled places cost what others do, so
that a new run begins only full stacks; in one that grows or goes on, some of a stack may have
finished, alone or in a smaller one."""
SUITE = "policies."
"""Start of the module names of the suite's networks and objectives."""
NORM_FLOOR = 1e-6
"""Added to the norm of a gradient that is clipped, as in torch."""


def stack_sizes(seeds: int) -> list[int]:
    """Return the size of the stack of each training seed that is in one, of so many seeds.

    The others, which would not fill a stack, are trained by themselves.
    """
    sizes: list[int] = []
    for size in SIZES:
        sizes += [size] * ((seeds - len(sizes)) // size * size)
    return sizes


def can_stack(state: TrainingState, windows: Windows) -> bool:
    """Return whether a training can be one of a stack; only its configuration decides.

    Network and objective must be of the suite, it must observe the state, and the host must not
    take part in its loss, because it cannot follow several trainings at once.
    """
    config, objective = state.policy.config, state.policy.objective
    of_suite = is_of_suite(config.objective) and BACKBONES[config.backbone].target.startswith(SUITE)
    return of_suite and objective.trains and objective.capturable and windows.seen is None


def is_of_suite(objective: str) -> bool:
    """Return whether the suite has an objective; what users add may do anything in its loss."""
    return POLICIES[objective].target.startswith(SUITE)


def stack(
    members: Mapping[int, TrainingState], config: TrainConfig, windows: Windows, size: int
) -> list[Update]:
    """Return the update of each training of a stack, to be called in turn.

    Args:
        members: Place in the stack, below its size, to the training there; all of one policy
            configuration and at the same update.
        config: Their training configuration.
        windows: Their training data.
        size: Places of the stack, one of `SIZES`.

    Raises:
        ValueError: The trainings differ in more than weights and random numbers.
    """
    if not members or not all(0 <= place < size for place in members):
        raise ValueError(f"places are {list(members)}; give some of 0 to {size - 1}")
    together = StackedUpdate(members, config, windows, size)
    return [_Place(together, k, state) for k, state in enumerate(members.values())]


class StackedUpdate:
    """The updates of all trainings of a stack; on a CUDA device one graph.

    A training draws the numbers that it would draw alone. Its sums are rounded differently, and do
    not depend on the other trainings or on its place.

    Args:
        members: Place to the training there.
        config: Their training configuration.
        windows: Their training data, on their device.
        size: Places of the stack.

    Attributes:
        results: Loss and gradient norm of each training, in the order of `members`.
    """

    def __init__(
        self,
        members: Mapping[int, TrainingState],
        config: TrainConfig,
        windows: Windows,
        size: int,
    ) -> None:
        device = windows.actions.device
        self.config, self.windows, self.places = config, windows, list(members)
        self.state = StackedState(members, size, config, device)
        self.member = _Member(self.state.first)
        self.draws = _draws_of(self.state.first, config, windows)
        self.numbers = [draw.room(size) for draw in self.draws]
        self.steps = torch.empty((size, config.batch_size), dtype=torch.int64, device=device)
        self.averaging = torch.zeros((), device=device)
        self.results: list[tuple[Tensor, Tensor]] = []
        self._has_moments = bool(self.state.optimizer.state)
        clear = self.state.gradients.begin
        self.replayed: Replayed | None = None
        if device.type == "cuda":
            self.replayed = Replayed(self._operations, clear, self.state.generators, device)

    def start(self) -> None:
        """Start one update of every training; see `results`."""
        first = self.state.first
        rates = self.config.learning_rate_at(first.update), first.ema.rate_at(first.update + 1)
        if self.replayed is None:
            self._fill(*rates)
            losses, norms = self._operations()
        else:
            with torch.cuda.stream(self.replayed.stream):
                self._fill(*rates)
            losses, norms = self.replayed()
        if not self._has_moments:
            self.state.share_moments()
            self._has_moments = True
        self.results = [(losses[place], norms[place]) for place in self.places]

    def wait(self) -> None:
        """Wait until all started updates are complete; see `Update`."""
        if self.replayed is not None:
            self.replayed.wait()

    def _fill(self, learning_rate: float, averaging: float) -> None:
        """Set the numbers that change from update to update."""
        self.state.rate.fill_(learning_rate)
        self.averaging.fill_(averaging)

    def _operations(self) -> tuple[Tensor, Tensor]:
        """Make one update; return losses and gradient norms before clipping, `(places,)` each."""
        self.state.gradients.begin()
        losses = self._losses()
        losses.sum().backward()  # type: ignore[no-untyped-call]  # each row's own gradient
        self.state.gradients.finish()
        gradient = self.state.weights.grad
        assert gradient is not None
        norms = torch.linalg.vector_norm(gradient, dim=1)
        gradient.mul_((self.config.gradient_clip / (norms + NORM_FLOOR)).clamp(max=1.0)[:, None])
        self.state.optimizer.step()
        with torch.no_grad():
            self.state.averages.lerp_(self.state.weights, self.averaging)
        return losses.detach(), norms

    def _losses(self) -> Tensor:
        """Draw a batch for every training and return the losses, `(places,)`."""
        windows, state = self.windows, self.state
        for place, generator in enumerate(state.generators):
            torch.randint(len(windows), self.steps[place].shape, generator=generator,
                          out=self.steps[place])  # fmt: skip
            for draw, numbers in zip(self.draws, self.numbers, strict=True):
                draw.into(numbers[place], generator)
        observations, actions = (
            part.view(*self.steps.shape, *part.shape[1:])
            for part in windows.gather(self.steps.flatten())
        )
        is_bf16 = self.config.precision == "bf16"
        with torch.autocast(self.steps.device.type, torch.bfloat16, enabled=is_bf16):
            losses: Tensor = torch.vmap(self._loss)(
                state.trained, state.averaged, state.teachers, observations, actions, self.numbers
            )
        return losses

    def _loss(
        self,
        weights: Named,
        average: Named,
        teacher: Named,
        observations: Tensor,
        actions: Tensor,
        numbers: Sequence[Tensor],
    ) -> Tensor:
        """Return the loss of one training, given what is stored of it, batch and random numbers."""
        parts = {"policy": weights, "average": average, "teacher": teacher}
        named = {f"{part}.{k}": value for part, of in parts.items() for k, value in of.items()}
        batch = (observations, actions, self.state.first.generator)
        fewer = FewerOperations(self.member, self.state.gradients)
        with fewer, Playing(self.draws, numbers):
            loss: Tensor = functional_call(self.member, named, batch)
        return loss


class _Place:
    """The updates of one training of a stack, of which the first one's start those of all."""

    def __init__(self, together: StackedUpdate, k: int, state: TrainingState) -> None:
        self._together, self._k, self._state = together, k, state

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Make one update; see `Update`."""
        if self._k == 0:
            self._together.start()
        self._state.update += 1
        return self._together.results[self._k]

    def wait(self) -> None:
        """Wait until all started updates are complete; see `Update`."""
        self._together.wait()


class _Member(nn.Module):
    """Policy, average and teacher of a training; called with the parameters of each in turn."""

    def __init__(self, state: TrainingState) -> None:
        super().__init__()
        self.policy, self.average = state.policy, state.ema.policy
        objective = state.policy.objective
        self.teacher = None if objective.teacher is None else objective.taught_by()

    def forward(self, observations: Tensor, actions: Tensor, generator: torch.Generator) -> Tensor:
        """Return the training loss."""
        return self.policy.loss(observations, actions, generator)


def _draws_of(state: TrainingState, config: TrainConfig, windows: Windows) -> list[Draw]:
    """Return the random numbers that a loss draws, by evaluating it once.

    Raises:
        ValueError: The loss does not use all of the policy's weights.
    """
    batch = windows.gather(
        torch.arange(config.batch_size, device=windows.actions.device) % len(windows)
    )
    generator = torch.Generator(state.generator.device)  # exactly: "cuda" is not "cuda:0"
    recording = Recording()
    with recording:
        loss = state.policy.loss(*batch, generator)
    named = {name: p for name, p in weights_of(state).items() if p.numel()}
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    unused = [n for n, g in zip(named, gradients, strict=True) if g is None]
    if unused:
        raise ValueError(f"the loss does not use {', '.join(unused)}; it cannot be stacked")
    return recording.draws
