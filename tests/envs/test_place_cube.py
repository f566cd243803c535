"""PlaceCube: goal, pad, and the expert's recovery."""

import numpy as np
import pytest

from envs.experts.put_down import PutDownPhase
from envs.tasks.cube_parts import (
    CUBE_HALF_SIZE_M,
)
from envs.tasks.place_cube import (
    HEIGHT_TOLERANCE_M,
    REACH_TOLERANCE_M,
    PlaceCube,
)
from tests.envs.expert_runs import begin, phases_when_moved

SIDEWAYS = np.array([0.6, 0.8, 0.0])
UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def task() -> PlaceCube:
    return PlaceCube()


def test_goal_is_reached_on_both_axes(task: PlaceCube) -> None:
    goal = np.array([0.03, -0.02, CUBE_HALF_SIZE_M])
    near, far = 0.999 * REACH_TOLERANCE_M * SIDEWAYS, 1.001 * REACH_TOLERANCE_M * SIDEWAYS
    low, high = 0.999 * HEIGHT_TOLERANCE_M * UP, 1.001 * HEIGHT_TOLERANCE_M * UP
    achieved = goal + np.array([[near, near + low, near - low], [far, high, near - high]])
    assert task.reaches(achieved, goal).tolist() == [[True] * 3, [False] * 3]
    view = begin(task).view(np.array([0]))
    offset = task.observe(view)["goal_offset"]
    np.testing.assert_array_equal(offset, task.desired_goal(view) - task.achieved_goal(view))


def test_pad_is_under_the_goal(task: PlaceCube) -> None:
    goals = np.array([[0.03, -0.02, CUBE_HALF_SIZE_M], [0.1, 0.0, CUBE_HALF_SIZE_M]])
    assert task.mocap({"goal": goals}).tolist() == [[[0.03, -0.02, 0.0]], [[0.1, 0.0, 0.0]]]


def test_expert_puts_a_moved_cube_down_again(task: PlaceCube) -> None:
    aside = 2 * REACH_TOLERANCE_M * SIDEWAYS
    phases, success = phases_when_moved(begin(task), task.cube_qpos, aside)
    assert success
    assert PutDownPhase.APPROACH in phases[phases.index(PutDownPhase.RETREAT) :]
