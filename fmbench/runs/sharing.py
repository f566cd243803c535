"""Which trainings of a run share a device at once, and how each of them is updated there."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmbench.training.checkpoint_facts import STACKED
from fmbench.training.loop import make_update
from fmbench.training.second_thread import SecondThread
from fmbench.training.stacked import stack
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import Update
from fmbench.training.windows import Windows

SHARED_BYTES = 256 * 2**20
"""Weights of the trainings that share a device; larger networks fill it alone."""


@dataclass(frozen=True)
class RunTraining:
    """One training of a run.

    Attributes:
        task: Name of the task.
        policy: Name of the policy.
        train_seed: Its seed, which also decides its place in a stack.
        config: Its training configuration.
        state: Its state.
        folder: Its checkpoint's folder.
        origin: Origin of its weights.
        teachers: Name of each teacher to the hash of its weights.
    """

    task: str
    policy: str
    train_seed: int
    config: TrainConfig
    state: TrainingState
    folder: Path
    origin: dict[str, str]
    teachers: dict[str, str]

    @property
    def name(self) -> str:
        """Task and policy."""
        return f"{self.task} {self.policy}"

    @property
    def is_stacked(self) -> bool:
        """Whether it is one of a stack."""
        return STACKED in self.origin

    @property
    def stack_size(self) -> int:
        """Places of its stack; 1 if it is by itself."""
        return int(self.origin.get(STACKED, 1))

    @property
    def stack(self) -> tuple[str, int, int]:
        """Which stack it belongs to: decided by the configuration, whatever is left to train."""
        return self.name, self.stack_size, self.train_seed // self.stack_size


def shared_updates(
    trainings: Sequence[RunTraining], windows: Windows, thread: SecondThread
) -> list[Update]:
    """Return the update of every training, in a stack or by itself.

    Args:
        trainings: Those of one policy one after the other, in the order of their seeds.
        windows: Their training data.
        thread: Shares the work of updates on a CPU.
    """
    updates: list[Update] = []
    for _, group in itertools.groupby(trainings, key=lambda training: training.stack):
        members = list(group)
        size = members[0].stack_size
        if members[0].is_stacked:
            at = {member.train_seed % size: member.state for member in members}
            updates += stack(at, members[0].config, windows, size)
        else:
            updates += [make_update(each.state, each.config, windows, thread) for each in members]
    return updates


def shared(trainings: Iterable[RunTraining]) -> list[list[RunTraining]]:
    """Divide trainings into those that share a device at once.

    These are at the same update, of as many. Several policies are together only if their weights
    are small; the seeds of one policy always are.
    """
    groups: list[list[RunTraining]] = []
    for _, of_update in itertools.groupby(sorted(trainings, key=_progress), key=_progress):
        group, size = list[RunTraining](), 0
        for _, of_policy in itertools.groupby(of_update, key=lambda training: training.name):
            seeds = list(of_policy)
            added = sum(_weights_bytes(training.state) for training in seeds)
            if group and size + added > SHARED_BYTES:
                groups.append(group)
                group, size = [], 0
            group += seeds
            size += added
        groups.append(group)
    return groups


def described(trainings: Sequence[RunTraining]) -> str:
    """Return task, policies and seeds of trainings, for the progress display."""
    policies = list(dict.fromkeys(training.policy for training in trainings))
    seeds = sorted({training.train_seed for training in trainings})
    suffix = f", seed{'s' if len(seeds) > 1 else ''} {' '.join(map(str, seeds))}"
    name = f"{trainings[0].task} {', '.join(policies)} training"
    return name + (suffix if seeds != [0] else "")


def _progress(training: RunTraining) -> tuple[int, int]:
    return training.state.update, training.config.updates


def _weights_bytes(state: TrainingState) -> int:
    return sum(p.numel() * p.element_size() for p in state.policy.parameters())
