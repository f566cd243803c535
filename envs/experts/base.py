"""Base of the scripted experts: named phases with time-outs, batched over rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import ClassVar, Self

import numpy as np

from envs.episode_streams import episode_generator
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World


class Phase(IntEnum):
    """A phase of an expert. Subclasses list the phases of an expert, such as `CLOSE = 1, 14`.

    Args:
        number: Index of the phase; an episode starts in phase 0.
        time_out: Control steps after which the phase times out; by default never.
    """

    time_out: float

    def __new__(cls, number: int, time_out: float = np.inf) -> Self:
        """Create one phase of the class."""
        phase = int.__new__(cls, number)
        phase._value_, phase.time_out = int(number), time_out
        return phase


class OnlyPhase(Phase):
    """The phase of an expert that follows one rule for the complete episode."""

    ACT = 0


Rule = tuple[Phase, BoolArray, Phase | IntArray]
"""(phase, condition (n,), next phase): the next phase is one phase or an array, (n,)."""

Methods = Mapping[int, Callable[[IntArray, View], FloatArray]]
"""For each phase, a method that returns the command of m rows, or a part of it, (m, ...)."""


class Expert(ABC):
    """A scripted policy that reads privileged state.

    It has the methods of every policy of the harness, `reset` and `act`, replans at every control
    step, and is built for one world. A subclass defines the command of each phase (`command`) and
    the transitions between phases (`next_phase`).

    Class attributes:
        phases: The phases with their time-outs.
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
        """Start episodes: draw each one's speed and, if the task has several modes, its mode."""
        self.phase[rows] = 0
        self.phase_steps[rows] = 0
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            rng = episode_generator(self.task, seed, "expert")
            self.speed[row] = rng.uniform(0.8, 1.2)
            self.mode[row] = rng.integers(max(1, len(self.task.modes)))
            self.begin(row, rng)

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Return actions (n, 1, act_dim) in [-1, 1] and network evaluations (n,), all zero.

        The observations are not read: an expert reads the state itself.
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
        """Draw further random quantities of an episode; nothing by default."""
        del row, rng

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Return each row's phase for this control step, (n,); by default the current one."""
        del rows, view, is_late
        return phase

    @abstractmethod
    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return absolute position targets, (n, act_dim) [rad or m]."""

    def by_phase(self, rows: IntArray, view: View, phase: IntArray, methods: Methods) -> FloatArray:
        """Call each phase's method with the rows in that phase, and join the results.

        Args:
            rows: Rows of the world, (n,).
            view: View of those rows.
            phase: Their phases, (n,).
            methods: One method for every phase that a row can be in.

        Returns:
            The results in the order of the rows, (n, ...).
        """
        present = sorted(set(phase.tolist()))
        if len(present) == 1:
            return methods[present[0]](rows, view)
        places = [np.flatnonzero(phase == k) for k in present]
        parts = [
            methods[k](rows[place], self.world.view(rows[place]))
            for k, place in zip(present, places, strict=True)
        ]
        results = np.concatenate(parts)
        ordered = np.empty_like(results)
        ordered[np.concatenate(places)] = results
        return ordered


def follow(phase: IntArray, rules: Sequence[Rule], otherwise: IntArray | None = None) -> IntArray:
    """Return each row's next phase, (n,): that of the first rule that applies.

    Args:
        phase: The current phases, (n,).
        rules: The rules in order of priority.
        otherwise: Phases where no rule applies, (n,); by default the current phases.
    """
    following = phase if otherwise is None else otherwise
    for start, holds, end in reversed(rules):
        following = np.where((phase == int(start)) & holds, end, following)
    return following


def choose(phase: IntArray, values: Mapping[int, FloatArray]) -> FloatArray:
    """Return each row's value for its phase, (n,); `values` has an array (n,) for every phase.

    This is for experts whose phases share most of their code; others use a method per phase.
    """
    chosen: FloatArray = np.choose(phase, [values[k] for k in range(len(values))])
    return chosen


def step_towards(current: FloatArray, target: FloatArray, max_step: FloatArray) -> FloatArray:
    """Return a step from `current` towards `target`, limited to `max_step` on each axis.

    Stepping from the measured position instead of the last command makes the expert a function of
    what a policy can observe.
    """
    return current + np.clip(target - current, -max_step, max_step)
