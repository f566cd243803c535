"""Success limits and initial states of every registered task, against its data sheet."""

import numpy as np
import pytest

from envs.goals import GoalTask
from envs.registry import TASKS, has_extra, make_task
from envs.task import FloatArray
from envs.world import Outcome, World
from tests.contacts import hand_geoms
from tests.envs.cases import CASES
from tests.envs.cases.case import Choice, Limit, Range, TaskCase

NAMES = tuple(name for name in TASKS if has_extra(name))
STARTS = 300
CLOSE = 1e-3  # relative distance from a limit, on either side
every_task = pytest.mark.parametrize("name", NAMES)


def case_of(name: str) -> TaskCase:
    """Return the case of a task, or of the task whose episodes it shares."""
    case = CASES.get(TASKS[name].twin_of or name)
    if case is None:
        pytest.fail(
            f"{name} is registered, but tests/envs/cases/ has no TaskCase for it: add one with its "
            "success limits and initial states"
        )
    return case


def begun(name: str) -> World:
    """Return a world of one row after a reset."""
    world = World(make_task(name), 1, 1)
    world.reset(world.all_rows, np.array([3]))
    return world


def judge(world: World) -> Outcome:
    """Score the row as after a control step without motion."""
    rows = world.all_rows
    for name, values in world.task.update_memory(world.view(rows)).items():
        world.memory[name][rows] = values
    return world._judge(rows, world.view(rows))


def reaches(world: World) -> bool:
    task, view = world.task, world.view(world.all_rows)
    assert isinstance(task, GoalTask)
    return bool(task.reaches(task.achieved_goal(view), task.desired_goal(view))[0])


def is_solved_at(world: World, case: TaskCase, limit: Limit, value: float) -> bool:
    world.reset(world.all_rows, np.array([3]))
    case.solve(world)
    limit.pose(world, value)
    solved = bool(judge(world).solved[0])
    if isinstance(world.task, GoalTask):
        assert reaches(world) or not solved, "a solved step has not reached its goal"
        assert reaches(world) == solved or not limit.is_goal
    return solved


def test_every_case_belongs_to_a_registered_task() -> None:
    assert set(CASES) == {entry.twin_of or name for name, entry in TASKS.items()}


@every_task
def test_success_fires_exactly_at_every_limit(name: str) -> None:
    case, world = case_of(name), begun(name)
    assert case.limits
    for limit in case.limits:
        inside = 1 - CLOSE if limit.side == "below" else 1 + CLOSE
        for sign in limit.signs:
            for part, expected in ((inside, True), (2 - inside, False)):
                value = sign * part * limit.value
                assert is_solved_at(world, case, limit, value) is expected, (limit.name, value)


@every_task
def test_success_comes_after_exactly_hold_steps_consecutive_steps(name: str) -> None:
    case, world = case_of(name), begun(name)
    case.solve(world)
    assert not any(judge(world).success[0] for _ in range(case.hold_steps - 1))
    limit = case.limits[0]
    limit.pose(world, (1.1 if limit.side == "below" else 0.9) * limit.value)
    broken = judge(world)
    assert not broken.solved[0]
    assert not broken.failed[0]
    case.solve(world)
    flags = [bool(judge(world).success[0]) for _ in range(case.hold_steps)]
    assert flags == [False] * (case.hold_steps - 1) + [True]


def check_range(values: FloatArray, drawn: Range) -> None:
    values = values.reshape(len(values), -1)
    tiny = 1e-9
    assert (values >= drawn.low - tiny).all(), (drawn.name, values.min())
    assert (values <= drawn.high + tiny).all(), (drawn.name, values.max())
    span = drawn.high - drawn.low
    if 0.0 < span < np.inf:
        low, high = values.min(axis=0), values.max(axis=0)
        assert (low <= drawn.low + drawn.margin * span).all(), (drawn.name, low)
        assert (high >= drawn.high - drawn.margin * span).all(), (drawn.name, high)
    elif span == np.inf:
        assert values.min() < drawn.low + drawn.margin, (drawn.name, values.min())


@every_task
def test_initial_states_cover_exactly_the_stated_ranges(name: str) -> None:
    task, case = make_task(name), case_of(name)
    world = World(task, STARTS, 1)
    world.reset(world.all_rows, np.arange(STARTS))
    view = world.view(world.all_rows)
    assert case.starts
    for drawn in case.starts:
        values = np.asarray(drawn.read(task, view), dtype=np.float64)
        if isinstance(drawn, Choice):
            rows = values.reshape(len(values), -1).round(9).tolist()
            assert {tuple(row) for row in rows} == drawn.values, drawn.name
        else:
            check_range(values, drawn)


@every_task
def test_initial_states_are_undecided_and_the_hand_has_no_contact(name: str) -> None:
    task = make_task(name)
    world, of_hand = World(task, 60, 1), hand_geoms(task)
    world.reset(world.all_rows, np.arange(60))
    score = task.score(world.view(world.all_rows))
    assert not score.solved.any()
    assert not score.failed.any()
    assert (score.progress < 1.0).all()
    for row in world.all_rows.tolist():
        contact = world.batch.get_data(row).contact
        assert not of_hand[contact.geom].any(), row
        assert (contact.dist > -1e-9).all(), row  # resting objects do not penetrate
