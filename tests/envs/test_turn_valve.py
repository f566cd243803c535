"""TurnValve: its threshold, how it tells the strategies apart, its start, its goals, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.turn_valve import TurnValveExpert
from envs.task import NO_MODE
from envs.tasks.turn_valve import (
    DECIDED_RAD,
    SPOKE_LENGTH_M,
    START_YAW_RAD,
    TOLERANCE_RAD,
    TURN_RAD,
    VALVE_AREA_M,
    VALVE_HEIGHT_M,
    TurnValve,
)
from envs.world import STATE_STAGE, World

ROW = np.array([0])
ROLL, GAIT = range(2)


@pytest.fixture(scope="module")
def task() -> TurnValve:
    return TurnValve()


def begun(task: TurnValve) -> World:
    world = World(task, 1, 1)
    world.reset(ROW, np.array([3]))
    return world


def move(world: World, valve: float, yaw: float = 0.0) -> None:
    """Turn the valve and the wrist by so much [rad] within one control step."""
    task = world.task
    assert isinstance(task, TurnValve)
    world.batch.bind("qpos")[0, [task.valve_qpos, task.yaw_qpos]] += [valve, yaw]
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    for name, values in task.update_memory(world.view(ROW)).items():
        world.memory[name][ROW] = values


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("part", "is_solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: TurnValve, side: int, part: float, is_solved: bool
) -> None:
    world = begun(task)
    move(world, world.memory["turn"][0, 0] + side * part * TOLERANCE_RAD)
    view = world.view(ROW)
    assert task.score(view).solved.tolist() == [is_solved]
    assert task.reaches(task.achieved_goal(view), task.desired_goal(view)).tolist() == [is_solved]


def test_success_comes_after_exactly_hold_steps(task: TurnValve) -> None:
    world = begun(task)
    move(world, world.memory["turn"][0, 0])
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(ROW, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_whole_turns_do_not_count_as_the_goal(task: TurnValve) -> None:
    world = begun(task)
    turn = float(world.memory["turn"][0, 0])
    move(world, turn - np.sign(turn) * 2 * np.pi)
    assert task.score(world.view(ROW)).solved.tolist() == [False]


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize(
    ("steps", "mode"),
    [
        ([(0.9, 0.9)], ROLL),
        ([(0.9, 0.0)], GAIT),
        ([(0.9, -0.9)], GAIT),  # against the valve
        ([(0.9, 5.0)], ROLL),
        ([(0.999 * DECIDED_RAD, 0.9)], NO_MODE),
        ([(1.001 * DECIDED_RAD, 0.9)], ROLL),
        ([(0.9, 0.9), (0.0, -0.9), (0.9, 0.9), (0.0, -0.9)], ROLL),  # regrasps
        ([(0.9, 0.0), (0.0, 0.9)], GAIT),  # the yaw alone turns nothing
        ([(0.9, 0.9), (1.0, 0.0)], GAIT),
        ([(0.9, 0.9), (0.8, 0.0)], ROLL),
        ([(0.9, 0.9), (-0.2, -0.2), (0.6, 0.0)], ROLL),  # what is turned back is taken off
        ([(0.9, 0.9), (-0.2, -0.2), (0.8, 0.0)], GAIT),
    ],
)
def test_mode_is_the_share_of_the_turn_with_the_wrist(
    task: TurnValve, way: int, steps: list[tuple[float, float]], mode: int
) -> None:
    world = begun(task)
    for valve, yaw in steps:
        move(world, way * valve, way * yaw)
    assert task.score(world.view(ROW)).mode.tolist() == [mode]


def test_progress_runs_from_zero_to_one(task: TurnValve) -> None:
    world = begun(task)
    assert task.score(world.view(ROW)).progress[0] == pytest.approx(0.0)
    move(world, 0.5 * world.memory["turn"][0, 0])
    assert 0.45 < task.score(world.view(ROW)).progress[0] < 0.55
    move(world, 0.5 * world.memory["turn"][0, 0])
    assert task.score(world.view(ROW)).progress[0] == 1.0


def test_start_is_in_stated_ranges_and_touches_nothing(task: TurnValve) -> None:
    world, seeds = World(task, 200, 1), np.arange(200)
    world.reset(world.all_rows, seeds)
    assert all(world.batch.get_data(row).ncon == 0 for row in range(200))
    view, turns = world.view(world.all_rows), world.memory["turn"][:, 0]
    place = task.valve_centre(view)
    assert 0.9 * VALVE_AREA_M < np.abs(place[:, :2]).max() <= VALVE_AREA_M
    assert (place[:, 2] == VALVE_HEIGHT_M).all()
    assert TURN_RAD[0] <= np.abs(turns).min() < TURN_RAD[0] + 0.1
    assert TURN_RAD[1] - 0.1 < np.abs(turns).max() <= TURN_RAD[1]
    assert 80 < (turns > 0).sum() < 120
    assert np.abs(view.qpos[:, task.yaw_qpos]).max() <= START_YAW_RAD
    np.testing.assert_allclose(task.remaining(view), turns)


def test_valve_stands_where_its_memory_says(task: TurnValve) -> None:
    world = begun(task)
    hub = np.array(world.batch.get_data(0).body("valve").xpos)
    np.testing.assert_allclose(hub, task.valve_centre(world.view(ROW))[0])
    stem, mark = task.mocap(world.memory)[0]
    np.testing.assert_allclose(stem, hub)
    offset, goal = mark - hub, world.memory["goal"][0, 0]
    assert np.hypot(*offset[:2]) > SPOKE_LENGTH_M
    np.testing.assert_allclose(offset[:2] / np.hypot(*offset[:2]), [np.cos(goal), np.sin(goal)])


def test_goal_is_the_unwrapped_angle_over_pi(task: TurnValve) -> None:
    world = begun(task)
    before = task.achieved_goal(world.view(ROW))
    move(world, 3 * np.pi)
    np.testing.assert_allclose(task.achieved_goal(world.view(ROW)) - before, [[3.0]])
    goals = np.array([[0.5], [0.5 + 0.99 * TOLERANCE_RAD / np.pi], [2.5]])
    assert task.reaches(goals, np.array([0.5])).tolist() == [True, True, False]


def test_start_depends_on_the_generator_alone(task: TurnValve) -> None:
    first, again = (task.draw_start(episode_generator(task, 8, "start")) for _ in range(2))
    assert np.array_equal(first.qpos, again.qpos)
    assert all(np.array_equal(first.memory[name], again.memory[name]) for name in first.memory)


def test_expert_turns_in_its_mode_stays_and_progress_never_falls(task: TurnValve) -> None:
    world = World(task, 16, 1)
    expert, rows = TurnValveExpert(world), world.all_rows
    world.reset(rows, rows)
    expert.reset(rows, rows)
    best, deepest, modes = np.zeros(16), 0.0, np.full(16, NO_MODE)
    height = np.full(16, np.inf)  # of the tips at the end
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        assert (outcome.progress >= best[rows] - 0.05).all()
        best[rows] = np.maximum(best[rows], outcome.progress)
        contacts = world.batch.get_data(int(rows[0])).contact
        deepest = min([deepest, *np.atleast_1d(contacts.dist).tolist()])
        modes[rows[outcome.success]] = outcome.mode[outcome.success]
        height[rows] = expert.hand_state(world.view(rows))[2]
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert modes.tolist() == expert.mode.tolist()
    assert -0.003 < deepest < 0.0
    assert (height < SPOKE_LENGTH_M / 2).all()  # on the spokes, where it can still correct
