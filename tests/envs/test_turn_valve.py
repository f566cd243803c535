"""TurnValve: progress, modes, goals, and the expert's final posture."""

import numpy as np
import pytest

from envs.experts.turn_valve import TurnValveExpert
from envs.task import NO_MODE
from envs.tasks.turn_valve import (
    DECIDED_RAD,
    MARK_RISE_M,
    SPOKE_LENGTH_M,
    TOLERANCE_RAD,
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
    """Turn the valve and the wrist by given angles [rad] within one control step."""
    task = world.task
    assert isinstance(task, TurnValve)
    world.batch.bind("qpos")[0, [task.valve_qpos, task.yaw_qpos]] += [valve, yaw]
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    for name, values in task.update_memory(world.view(ROW)).items():
        world.memory[name][ROW] = values


def test_goal_is_not_modulo_full_turns(task: TurnValve) -> None:
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
        ([(0.9, 0.9), (-0.2, -0.2), (0.6, 0.0)], ROLL),  # turns backwards are subtracted
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


def test_valve_is_at_the_position_in_memory(task: TurnValve) -> None:
    world = begun(task)
    hub = np.array(world.batch.get_data(0).body("valve").xpos)
    np.testing.assert_allclose(hub, task.valve_centre(world.view(ROW))[0])
    stem, mark = task.mocap(world.memory)[0]
    np.testing.assert_allclose(stem, hub)
    offset, goal = mark - hub, world.memory["goal"][0, 0]
    assert np.hypot(*offset[:2]) > SPOKE_LENGTH_M
    np.testing.assert_allclose(offset[:2] / np.hypot(*offset[:2]), [np.cos(goal), np.sin(goal)])


@pytest.mark.parametrize("turn", [1.6, 2.5, np.pi, 4.0])
def test_marker_tells_the_two_ways_to_one_direction_apart(task: TurnValve, turn: float) -> None:
    world = begun(task)
    memory = {name: np.repeat(values, 2, axis=0) for name, values in world.memory.items()}
    memory["turn"] = np.array([[turn], [turn - 2 * np.pi]])
    memory["goal"] = memory["angle"] + memory["turn"]
    (stem, left), (_, right) = task.mocap(memory)
    np.testing.assert_allclose(left[:2], right[:2])
    np.testing.assert_allclose([left[2], right[2]], stem[2] + np.array([1, -1]) * MARK_RISE_M)


def test_goal_is_the_unwrapped_angle_divided_by_pi(task: TurnValve) -> None:
    world = begun(task)
    before = task.achieved_goal(world.view(ROW))
    move(world, 3 * np.pi)
    np.testing.assert_allclose(task.achieved_goal(world.view(ROW)) - before, [[3.0]])
    goals = np.array([[0.5], [0.5 + 0.99 * TOLERANCE_RAD / np.pi], [2.5]])
    assert task.reaches(goals, np.array([0.5])).tolist() == [True, True, False]


def test_expert_ends_with_the_tips_between_the_spokes(task: TurnValve) -> None:
    world = World(task, 6, 1)
    expert, rows = TurnValveExpert(world), world.all_rows
    world.reset(rows, rows)
    expert.reset(rows, rows)
    height = np.full(6, np.inf)  # final height of the tips
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        height[rows] = expert.hand_state(world.view(rows))[2]
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert (height < SPOKE_LENGTH_M / 2).all()
