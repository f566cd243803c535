"""Drive scripted experts: named phases with time-outs, N rows at once."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from envs.episode_streams import episode_generator
from envs.task import FloatArray, IntArray, View
from envs.world import World


class Expert(ABC):
    """A scripted policy that reads privileged state.

    It has the two verbs of every policy of the harness, `reset` and `act`, replans at every
    control step, and is built for one world. A subclass says where each phase steers
    (`command`) and when it passes to another one (`next_phase`).

    Class attributes:
        phases: Names of the phases; an episode begins in the first.
        time_outs: Control steps after which `next_phase` is told that a phase took too long.
    """

    obs_horizon: int = 1
    exec_horizon: int = 1
    phases: ClassVar[tuple[str, ...]]
    time_outs: ClassVar[tuple[int, ...]]

    def __init__(self, world: World) -> None:
        self.world, self.task = world, world.task
        n = world.num_sims
        self.phase: IntArray = np.zeros(n, dtype=np.int64)
        self.phase_steps: IntArray = np.zeros(n, dtype=np.int64)
        self.speed: FloatArray = np.ones(n)
        self.mode: IntArray = np.zeros(n, dtype=np.int64)

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
        is_late = self.phase_steps[rows] >= np.array(self.time_outs)[self.phase[rows]]
        following = self.next_phase(rows, view, self.phase[rows], is_late)
        self.phase_steps[rows] = np.where(
            following == self.phase[rows], self.phase_steps[rows] + 1, 0
        )
        self.phase[rows] = following
        command = self.command(rows, view, following)
        actions = self.task.action(command).astype(np.float32)[:, None, :]
        return actions, np.zeros(len(rows), dtype=np.int64)

    def phase_index(self, name: str) -> int:
        """Return the index of a phase."""
        return self.phases.index(name)

    def begin(self, row: int, rng: np.random.Generator) -> None:
        """Draw what else varies between a subclass's episodes; nothing by default."""
        del row, rng

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Return each row's phase for this control step, (n,); the present one by default."""
        del rows, view, is_late
        return phase

    @abstractmethod
    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return absolute position targets, (n, act_dim) [rad or m]."""


def step_towards(current: FloatArray, target: FloatArray, max_step: FloatArray) -> FloatArray:
    """Return `target`, or the point `max_step` from `current` on each axis if that is nearer.

    Steering from the measured position, not from the last command, keeps the expert a function
    of what a policy can observe.
    """
    return current + np.clip(target - current, -max_step, max_step)
