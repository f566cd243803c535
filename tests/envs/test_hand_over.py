"""HandOver: the hands' reach, the goal, and the expert's recovery."""

import mujoco
import numpy as np
import pytest

from envs.experts.hand_over import PASS_M, HandOverExpert, HandOverPhase
from envs.rotations import yaw_quaternion
from envs.tasks.hand_over import (
    MOUNT_Y_M,
    PAD_AREA_M,
    STICK_HALF_SIZE_M,
    TIP_RADIUS_M,
    TOLERANCE_M,
    HandOver,
)
from envs.world import STATE_STAGE, World

ROW = np.array([0])


@pytest.fixture(scope="module")
def task() -> HandOver:
    return HandOver()


def world_with_stick(task: HandOver, place: np.ndarray) -> World:
    """Return one row with the hands in their initial state and the stick at rest at `place` [m]."""
    world = World(task, 1)
    world.reset(ROW, np.array([3]))
    pose = np.concatenate([place, yaw_quaternion(0.0)])
    world.batch.bind("qpos")[0, task.stick_qpos : task.stick_qpos + 7] = pose
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    return world


def test_neither_hand_reaches_across(task: HandOver) -> None:
    right, rng = task.hand.sides[0], np.random.default_rng(0)
    data, reach = mujoco.MjData(task.model), 0.0
    for _ in range(300):
        data.qpos[right.qpos[6:]] = rng.choice(np.stack([right.low, right.high, 0 * right.low]))[6:]
        abduction = rng.uniform(-0.6, 0.6)
        data.qpos[task.model.joint("right_index_abduction").qposadr[0]] = abduction
        mujoco.mj_kinematics(task.model, data)
        palm = data.xpos[task.model.body("right_palm").id]
        reach = max(reach, np.linalg.norm(data.site_xpos[right.tips] - palm, axis=1).max())
    half_diagonal = np.linalg.norm(STICK_HALF_SIZE_M[:2])
    pushed = right.high[1] - MOUNT_Y_M + reach + TIP_RADIUS_M + half_diagonal
    assert reach > 0.135
    assert pushed < PAD_AREA_M[1][0] - TOLERANCE_M


def test_pad_is_under_the_goal(task: HandOver) -> None:
    goals = np.array([[0.05, 0.3, 0.015], [0.0, 0.35, 0.015]])
    assert task.mocap({"goal": goals}).tolist() == [[[0.05, 0.3, 0.0]], [[0.0, 0.35, 0.0]]]


@pytest.mark.parametrize(
    ("y", "first_hand"), [(-0.1, HandOverPhase.GRASP), (0.1, HandOverPhase.HOLD)]
)
def test_nearer_hand_picks_up_a_dropped_stick(
    task: HandOver, y: float, first_hand: HandOverPhase
) -> None:
    place = np.array([PASS_M[0], y, STICK_HALF_SIZE_M[2]])
    world = world_with_stick(task, place)
    expert = HandOverExpert(world)
    expert.reset(ROW, np.array([3]))
    expert.phase[:] = HandOverPhase.CARRY  # as if the left hand had just lost it
    while expert.phase[0] not in (HandOverPhase.GRASP, HandOverPhase.HOLD):
        actions, _ = expert.act(ROW, world.observe(ROW))
        world.step(ROW, actions[:, 0])
    assert expert.phase[0] == first_hand
    outcome = None
    while outcome is None or not (outcome.terminated[0] or outcome.truncated[0]):
        outcome = world.step(ROW, expert.act(ROW, world.observe(ROW))[0][:, 0])
    assert outcome.success[0]
