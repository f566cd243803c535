"""TurnDial: friction, progress, goal marker, and the expert's recovery."""

import numpy as np
import pytest

from envs.experts.dial_gait import DialPhase
from envs.experts.turn_dial import TurnDialExpert
from envs.tasks.dial_parts import DIAL_M, KNOB_RADIUS_M
from envs.tasks.turn_dial import TurnDial
from envs.world import STATE_STAGE, World


@pytest.fixture(scope="module")
def task() -> TurnDial:
    return TurnDial()


def world_with_remaining(task: TurnDial, remaining: float) -> World:
    """Return one row with an open hand at rest and the dial `remaining` [rad] short of its goal."""
    world, row = World(task, 1), np.array([0])
    world.reset(row, np.array([3]))
    world.batch.bind("qpos")[0, task.dial_qpos] = world.memory["goal"][0, 0] - remaining
    world.batch.forward(ids=row, stage=STATE_STAGE)
    return world


def test_dial_stays_where_it_is_left(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.5)
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(20):
        world.step(world.all_rows, action)
    assert task.remaining(world.view(world.all_rows))[0] == pytest.approx(0.5, abs=1e-3)


def test_progress_runs_from_zero_to_one(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.0)
    view = world.view(world.all_rows)
    turn = float(view.memory("turn")[0, 0])
    assert task.score(view).progress[0] == 1.0
    world = world_with_remaining(task, turn)
    assert task.score(world.view(world.all_rows)).progress[0] == pytest.approx(0.0)


def test_marker_is_at_the_goal_angle(task: TurnDial) -> None:
    goal = np.array([[0.3], [-2.0], [4.0]])
    offset = task.mocap({"goal": goal})[:, 0] - DIAL_M
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * goal[:, 0]), atol=1e-9)
    assert (np.hypot(offset[:, 0], offset[:, 1]) > KNOB_RADIUS_M).all()


def test_expert_grasps_again_when_the_dial_slips(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.5)
    expert, rows = TurnDialExpert(world), world.all_rows
    expert.reset(rows, np.array([3]))
    expert.phase[:] = DialPhase.OPEN
    seen = []
    for _ in range(3):
        actions, _ = expert.act(rows, world.observe(rows))
        world.step(rows, actions[:, 0])
        seen.append(expert.phase[0])
    assert seen[0] == DialPhase.OPEN
    assert DialPhase.PLACE in seen
