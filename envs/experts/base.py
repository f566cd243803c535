"""Drive scripted experts: named phases with time-outs, N rows at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import ClassVar, Self

import numpy as np

from envs.episode_streams import episode_generator
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World


class Phase(IntEnum):
    """A phase of an expert. A subclass names an expert's phases, for example `CLOSE = 1, 14`.

    Args:
        number: Its place among the phases, from 0; an episode begins in phase 0.
        time_out: Control steps after which it has taken too long: never, if not given.
    """

    time_out: float

    def __new__(cls, number: int, time_out: float = np.inf) -> Self:
        """Make one phase of the class."""
        phase = int.__new__(cls, number)
        phase._value_, phase.time_out = int(number), time_out
        return phase


class OnlyPhase(Phase):
    """The phase of an expert that steers by one rule from start to end."""

    ACT = 0


Rule = tuple[Phase, BoolArray, Phase | IntArray]
"""In this phase, where this holds, (n,), pass to that phase: one, or each row's own, (n,)."""

Methods = Mapping[int, Callable[[IntArray, View], FloatArray]]
"""What each phase commands m rows of the world, or what makes that up, (m, ...)."""


class Expert(ABC):
    """A scripted policy that reads privileged state.

    It has the two verbs of every policy of the harness, `reset` and `act`, replans at every
    control step, and is built for one world. A subclass says where each phase steers
    (`command`) and when it passes to another one (`next_phase`).

    Class attributes:
        phases: Its phases with their time-outs.
    """

    obs_horizon: int = 1
    exec_horizon: int = 1
    phases: ClassVar[type[Phase]] = OnlyPhase

    def __init__(self, world: World) -> None:
        self.world, self.task = world, world.task
        n = world.num_sims
        self.phase: IntArray = np.zeros(n, dtype=np.int64)
        self.phase_steps: IntArray = np.zeros(n, dtype=np.int64)
        self.speed: FloatArray = np.ones(n)
        self.mode: IntArray = np.zeros(n, dtype=np.int64)
        numbers = [int(phase) for phase in self.phases.__members__.values()]
        if numbers != list(range(len(numbers))):
            raise ValueError(
                f"{self.task.name}'s expert numbers its phases {numbers}; count from 0, in order."
            )
        self._time_outs = np.array([phase.time_out for phase in self.phases])

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Begin episodes: draw each one's speed and, where there is a choice, its mode."""
        self.phase[rows] = 0
        self.phase_steps[rows] = 0
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            rng = episode_generator(self.task, seed, "expert")
            self.speed[row] = rng.uniform(0.8, 1.2)
            self.mode[row] = rng.integers(max(1, len(self.task.modes)))
            self.begin(row, rng)

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Return actions (n, 1, act_dim) in [-1, 1] and network evaluations (n,), all zero.

        The observations are not read: an expert sees the state itself.
        """
        del observations
        view = self.world.view(rows)
        phase, steps = self.phase[rows], self.phase_steps[rows]
        following = self.next_phase(rows, view, phase, steps >= self._time_outs[phase])
        self.phase_steps[rows] = np.where(following == phase, steps + 1, 0)
        self.phase[rows] = following
        command = self.command(rows, view, following)
        actions = self.task.action(command).astype(np.float32)[:, None, :]
        return actions, np.zeros(len(rows), dtype=np.int64)

    def begin(self, row: int, rng: np.random.Generator) -> None:
        """Draw what else varies between a subclass's episodes; nothing by default."""
        del row, rng

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Return each row's phase for this control step, (n,); the present one by default."""
        del rows, view, is_late
        return phase

    @abstractmethod
    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return absolute position targets, (n, act_dim) [rad or m]."""

    def by_phase(self, rows: IntArray, view: View, phase: IntArray, methods: Methods) -> FloatArray:
        """Ask each phase's method about the rows that are in it, and put the answers together.

        Args:
            rows: Rows of the world, (n,).
            view: Of those rows.
            phase: Their phases, (n,).
            methods: One for every phase that a row can be in.

        Returns:
            The answers in the order of the rows, (n, ...).
        """
        present = sorted(set(phase.tolist()))
        if len(present) == 1:
            return methods[present[0]](rows, view)
        places = [np.flatnonzero(phase == k) for k in present]
        parts = [
            methods[k](rows[place], self.world.view(rows[place]))
            for k, place in zip(present, places, strict=True)
        ]
        answers = np.concatenate(parts)
        ordered = np.empty_like(answers)
        ordered[np.concatenate(places)] = answers
        return ordered


def follow(phase: IntArray, rules: Sequence[Rule], otherwise: IntArray | None = None) -> IntArray:
    """Return each row's following phase, (n,): what the first rule says that applies to it.

    Args:
        phase: The present phases, (n,).
        rules: In the order in which they count.
        otherwise: Where no rule applies, (n,); the present phases if not given.
    """
    following = phase if otherwise is None else otherwise
    for start, holds, end in reversed(rules):
        following = np.where((phase == int(start)) & holds, end, following)
    return following


def choose(phase: IntArray, values: Mapping[int, FloatArray]) -> FloatArray:
    """Return each row's value for the phase it is in, (n,); `values` have (n,) for every phase.

    It serves experts whose phases share most of the work; others ask a method for each phase.
    """
    chosen: FloatArray = np.choose(phase, [values[k] for k in range(len(values))])
    return chosen


def step_towards(current: FloatArray, target: FloatArray, max_step: FloatArray) -> FloatArray:
    """Return `target`, or the point `max_step` from `current` on each axis if that is nearer.

    Steering from the measured position, not from the last command, keeps the expert a function
    of what a policy can observe.
    """
    return current + np.clip(target - current, -max_step, max_step)
