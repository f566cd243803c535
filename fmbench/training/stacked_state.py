"""The state of the trainings of a stack: each training is one row of a few tensors."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from fmbench.training.adamw import PlainAdamW
from fmbench.training.layout import Layout, biases_of
from fmbench.training.stacked_gradients import Gradients
from fmbench.training.state import TrainConfig, TrainingState

MOMENTS = ("exp_avg", "exp_avg_sq")
Named = Mapping[str, Tensor]


class StackedState:
    """Weights, averages, moments and generators of several trainings, one training per row.

    The tensors of the trainings become views of the rows, so that each training is always up to
    date and can be saved as if it were alone.

    Args:
        members: Place to the training there; all of one policy configuration, at one update.
        places: Number of rows. Those without a training get copies of the first training's numbers.
        config: Their training configuration.
        device: Their device.

    Attributes:
        first: The first training.
        layout: Where the parameters lie in a row.
        weights: `(places, layout.size)`.
        trained: What is stored in `weights`, by name; leaves of autograd.
        gradients: Where their gradients are stored, which are those of `weights`.
        averages: Like `weights`.
        averaged: What is stored in `averages`, by name.
        teachers: What is stored of the teachers, by name; nothing without teachers.
        generators: One per place.
        optimizer: Of all rows; set `rate` before its steps.
        rate: Learning rate, a scalar.

    Raises:
        ValueError: The trainings differ in more than weights and random numbers.
    """

    def __init__(
        self,
        members: Mapping[int, TrainingState],
        places: int,
        config: TrainConfig,
        device: torch.device,
    ) -> None:
        self.members, self._places = members, places
        self.first = next(iter(members.values()))
        for state in members.values():
            _check_alike(self.first, state)
        self.generators = [
            members[k].generator if k in members else torch.Generator(device).manual_seed(k)
            for k in range(places)
        ]
        own = weights_of(self.first)
        self.layout = Layout(own, biases_of(self.first.policy, own))
        self.weights = self._rows(self.layout, weights_of)
        self.averages = self._rows(self.layout, averages_of)
        self.averaged = self.layout.stored(self.averages)
        self.teachers = self._stored_of_teachers()
        for place, state in members.items():
            for rows, named in ((self.weights, weights_of), (self.averages, averages_of)):
                views = self.layout.views(rows[place])
                for name, tensor in named(state).items():
                    tensor.data = views[name]
        self.trained = {k: v.requires_grad_() for k, v in self.layout.stored(self.weights).items()}
        self.weights.grad = torch.zeros_like(self.weights)
        self.gradients = Gradients(self.trained, self.layout.stored(self.weights.grad))
        self.rate = torch.zeros((), device=device)
        self.optimizer = PlainAdamW(
            [self.weights], lr=self.rate, weight_decay=config.weight_decay, fused=True,
            capturable=device.type == "cuda",
        )  # fmt: skip
        if self.first.optimizer.state:
            self._restore_moments()

    def share_moments(self) -> None:
        """Let the optimisers of the trainings view the moments, once there are any."""
        moments = self.optimizer.state[self.weights]
        for place, state in self.members.items():
            views = {name: self.layout.views(moments[name][place]) for name in MOMENTS}
            for name, parameter in weights_of(state).items():
                if parameter.numel():  # an empty one has no gradient, hence no moments
                    own = {moment: views[moment][name] for moment in MOMENTS}
                    state.optimizer.state[parameter] = {"step": moments["step"], **own}

    def _restore_moments(self) -> None:
        """Collect the moments of trainings that continue."""

        def moment(name: str) -> Callable[[TrainingState], dict[str, Tensor]]:
            return lambda state: {
                key: state.optimizer.state[parameter][name] if parameter.numel() else parameter
                for key, parameter in weights_of(state).items()
            }

        step = next(iter(self.first.optimizer.state.values()))["step"]
        moments = {name: self._rows(self.layout, moment(name)) for name in MOMENTS}
        self.optimizer.state[self.weights] = {"step": step.clone(), **moments}
        self.share_moments()

    def _stored_of_teachers(self) -> dict[str, Tensor]:
        """Return what is stored of the teachers of all places, by name."""
        if not (named := teacher_of(self.first)):
            return {}
        layout = Layout(named, biases_of(self.first.policy.objective.taught_by(), named))
        return layout.stored(self._rows(layout, teacher_of))

    def _rows(self, layout: Layout, named: Callable[[TrainingState], Named]) -> Tensor:
        """Return the tensors of all places as rows; empty places are copies of the first."""
        states = [self.members.get(place, self.first) for place in range(self._places)]
        return torch.stack([layout.row(named(state)) for state in states])


def weights_of(state: TrainingState) -> dict[str, Tensor]:
    """Return the trained parameters of a training by name."""
    return {name: p for name, p in state.policy.named_parameters() if p.requires_grad}


def averages_of(state: TrainingState) -> dict[str, Tensor]:
    """Return the averages of the trained parameters by name."""
    averages = dict(state.ema.policy.named_parameters())
    return {name: averages[name] for name in weights_of(state)}


def teacher_of(state: TrainingState) -> dict[str, Tensor]:
    """Return the parameters of a training's teacher by name; none without a teacher."""
    objective = state.policy.objective
    return {} if objective.teacher is None else dict(objective.taught_by().named_parameters())


def _check_alike(first: TrainingState, other: TrainingState) -> None:
    """Raise `ValueError` unless two trainings can be in one stack."""
    if other.policy.config != first.policy.config:
        raise ValueError("the trainings of a stack are not of one policy configuration")
    if other.update != first.update:
        raise ValueError(f"a stack has trainings at update {first.update} and {other.update}")
    mine, theirs = (_shared(state) for state in (first, other))
    if unequal := [name for name in mine if not torch.equal(mine[name], theirs[name])]:
        raise ValueError(f"the trainings of a stack differ in {', '.join(unequal)}")


def _shared(state: TrainingState) -> dict[str, Tensor]:
    """Return the tensors of a policy that training does not change."""
    fixed = {name: p for name, p in state.policy.named_parameters() if not p.requires_grad}
    return {**dict(state.policy.named_buffers()), **fixed}
