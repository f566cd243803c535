"""TurnEither: progress, modes and goals."""

import numpy as np
import pytest

from envs.task import NO_MODE
from envs.tasks.dial_parts import DIAL_M, directions
from envs.tasks.turn_either import DECIDED_RAD, TOLERANCE_RAD, TurnEither
from envs.world import STATE_STAGE, World

ROW = np.array([0])
CLOCKWISE, COUNTERCLOCKWISE = range(2)


@pytest.fixture(scope="module")
def task() -> TurnEither:
    return TurnEither()


def turned_by(task: TurnEither, turn: float) -> World:
    """Return one row with an open hand at rest and the dial turned by `turn` [rad]."""
    world = World(task, 1, 1)
    world.reset(ROW, np.array([3]))
    world.batch.bind("qpos")[0, task.dial_qpos] += turn
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    return world


@pytest.mark.parametrize(
    ("turn", "mode"),
    [
        (0.0, NO_MODE),
        (0.999 * DECIDED_RAD, NO_MODE),
        (-0.999 * DECIDED_RAD, NO_MODE),
        (1.001 * DECIDED_RAD, COUNTERCLOCKWISE),
        (-1.001 * DECIDED_RAD, CLOCKWISE),
        (np.pi + 0.05, COUNTERCLOCKWISE),  # past the goal, still the same direction
        (-np.pi - 0.05, CLOCKWISE),
        (3 * np.pi, COUNTERCLOCKWISE),
    ],
)
def test_mode_is_the_direction_of_the_net_turn(task: TurnEither, turn: float, mode: int) -> None:
    assert task.score(turned_by(task, turn).view(ROW)).mode.tolist() == [mode]


@pytest.mark.parametrize("way", [-1, 1])
def test_progress_rises_linearly_in_either_direction(task: TurnEither, way: int) -> None:
    turns = way * np.linspace(0.0, np.pi - TOLERANCE_RAD, 5)
    seen = [task.score(turned_by(task, turn).view(ROW)).progress[0] for turn in turns]
    np.testing.assert_allclose(seen, [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-9)


def test_goal_is_the_opposite_direction(task: TurnEither) -> None:
    world = turned_by(task, 0.7)
    view = world.view(ROW)
    start = view.memory("start")[:, 0]
    np.testing.assert_allclose(task.achieved_goal(view), directions(start + 0.7))
    np.testing.assert_allclose(task.desired_goal(view), directions(start + np.pi), atol=1e-12)
    offset = task.mocap(world.memory)[:, 0, :2] - DIAL_M[:2]
    np.testing.assert_allclose(offset / np.linalg.norm(offset), task.desired_goal(view))


def test_reaches_accepts_any_leading_axes_and_full_turns(task: TurnEither) -> None:
    angles = np.array([[0.0, 0.09, 0.11], [2 * np.pi, -0.09, np.pi]])
    achieved = directions(angles.ravel()).reshape(2, 3, 2)
    expected = [[True, True, False], [True, True, False]]
    assert task.reaches(achieved, np.array([1.0, 0.0])).tolist() == expected
    assert task.reaches(achieved[0, 1], np.array([1.0, 0.0])).shape == ()
