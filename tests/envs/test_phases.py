"""Phases of experts: numbering, transitions, and commands."""

import re

import numpy as np
import pytest

from envs.experts.base import Expert, Phase, choose, follow
from envs.registry import make_task
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World

ROWS = np.arange(6)


class Step(Phase):
    FIRST = 0, 2
    SECOND = 1
    THIRD = 2, 1


class Stepper(Expert):
    """Change phases by time-outs only; command the row's number and its phase."""

    phases = Step

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        del rows, view
        rules = ((Step.FIRST, is_late, Step.SECOND), (Step.SECOND, is_late, Step.THIRD))
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        methods = {Step.FIRST: self.first, Step.SECOND: self.other, Step.THIRD: self.third}
        return self.by_phase(rows, view, phase, methods)

    def first(self, rows: IntArray, view: View) -> FloatArray:
        return self._report(rows, view, 0)

    def other(self, rows: IntArray, view: View) -> FloatArray:
        return self._report(rows, view, 1)

    def third(self, rows: IntArray, view: View) -> FloatArray:
        return self._report(rows, view, 2)

    def _report(self, rows: IntArray, view: View, phase: int) -> FloatArray:
        assert len(view) == len(rows)
        assert (self.phase[rows] == phase).all()
        return np.stack([rows, np.full(len(rows), phase)], axis=1).astype(np.float64)


@pytest.fixture(scope="module")
def world() -> World:
    return World(make_task("PressChord"), len(ROWS), 1)


@pytest.mark.parametrize("phase", [[0, 2, 1, 1, 0, 2], [1, 1, 1, 1, 1, 1]])
def test_each_row_gets_the_command_of_its_phase(world: World, phase: list[int]) -> None:
    expert, rows = Stepper(world), np.array([5, 0, 3, 1, 2, 4])
    expert.phase[rows] = phase
    command = expert.command(rows, world.view(rows), expert.phase[rows])
    assert command.tolist() == np.stack([rows, phase], axis=1).tolist()


def test_phase_without_time_out_never_ends(world: World) -> None:
    expert = Stepper(world)
    world.reset(ROWS, ROWS)
    expert.reset(ROWS, ROWS)
    seen = []
    expert.task = _Plain(world)  # type: ignore[assignment]
    for _ in range(400):
        expert.act(ROWS, world.observe(ROWS))
        seen.append(int(expert.phase[0]))
    assert seen == [0, 0] + 398 * [1]


class _Plain:
    """Return any command as an action."""

    def __init__(self, world: World) -> None:
        self.modes = world.task.modes

    def action(self, command: FloatArray) -> FloatArray:
        return command


def test_first_applicable_rule_counts() -> None:
    phase = np.array([0, 0, 1, 1, 2, 2])
    holds = np.array([True, False] * 3)
    next_phases = np.array([2, 2, 2, 0, 0, 0])
    rules = (
        (Step.FIRST, holds, Step.SECOND),
        (Step.FIRST, np.ones(6, dtype=np.bool_), Step.THIRD),
        (Step.SECOND, ~holds, next_phases),
    )
    assert follow(phase, rules).tolist() == [1, 2, 1, 0, 2, 2]
    assert follow(phase, rules, np.full(6, 7)).tolist() == [1, 2, 7, 0, 7, 7]


def test_each_row_gets_the_value_of_its_phase() -> None:
    values = {Step.SECOND: np.arange(3.0) + 10, Step.THIRD: np.arange(3.0) + 20}
    values[Step.FIRST] = np.arange(3.0)
    assert choose(np.array([2, 0, 1]), values).tolist() == [20.0, 1.0, 12.0]


class _Gap(Phase):
    ONE = 0
    THREE = 2


class _Twice(Phase):
    ONE = 0
    SAME = 0


@pytest.mark.parametrize(("phases", "numbers"), [(_Gap, "[0, 2]"), (_Twice, "[0, 0]")])
def test_wrong_numbers_are_rejected(world: World, phases: type[Phase], numbers: str) -> None:
    message = f"PressChord's expert numbers its phases {numbers}; count from 0, in order."
    with pytest.raises(ValueError, match=re.escape(message)):
        type("Wrong", (Stepper,), {"phases": phases})(world)
