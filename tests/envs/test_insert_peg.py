"""InsertPeg: the fit of the hole, the rack, and the forces of the grasp."""

import numpy as np
import pytest

from envs.experts.grasp import pressed_grasp
from envs.hand.hand import FINGER_STIFFNESS_NM_PER_RAD, FINGERS
from envs.hand.kinematics import pressing_targets
from envs.rotations import yaw_quaternion
from envs.tasks.insert_peg import (
    CHAMFER_M,
    CLEARANCE_M,
    RIM_M,
    TIP_M,
    InsertPeg,
)
from envs.world import STATE_STAGE, World
from tests.envs.hand_tips import fingertips


@pytest.fixture(scope="module")
def task() -> InsertPeg:
    return InsertPeg()


def world_with_tip(task: InsertPeg, x: float, y: float, depth: float, yaw: float = 0.0) -> World:
    """Return one row with the peg's tip at x, y [m] from the hole's axis and `depth` [m] deep."""
    world = World(task, 1, 1)
    world.reset(world.all_rows, np.array([3]))
    pose = world.batch.bind("qpos")[0, task.peg_qpos : task.peg_qpos + 7]
    pose[:2] = world.memory["hole"][0] + [x, y]
    pose[2] = RIM_M - depth + TIP_M
    pose[3:] = yaw_quaternion(yaw)
    world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)
    return world


def peg_contacts(task: InsertPeg, world: World) -> int:
    peg = task.model.body("peg").id
    contacts = world.batch.get_data(0).contact.geom
    return int((task.model.geom_bodyid[contacts] == peg).any(axis=1).sum())


def test_a_released_peg_in_the_hole_succeeds_after_exactly_hold_steps(task: InsertPeg) -> None:
    world = world_with_tip(task, 0.0, 0.0, 0.047)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


@pytest.mark.parametrize("axis", [(1, 0), (0, 1), (-1, 0), (0, -1)])
def test_hole_has_its_clearance_on_each_side(task: InsertPeg, axis: tuple[int, int]) -> None:
    below = CHAMFER_M + 0.02
    for part, touches in ((0.98, False), (1.05, True)):
        x, y = part * CLEARANCE_M * np.array(axis)
        assert bool(peg_contacts(task, world_with_tip(task, x, y, below))) == touches
    x, y = (CLEARANCE_M + 0.97 * CHAMFER_M) * np.array(axis)
    assert peg_contacts(task, world_with_tip(task, x, y, -1e-4)) == 0
    assert peg_contacts(task, world_with_tip(task, x, y, 1e-3)) > 0


def test_a_turned_peg_does_not_fit(task: InsertPeg) -> None:
    assert peg_contacts(task, world_with_tip(task, 0.0, 0.0, 0.02, yaw=0.12)) == 0
    assert peg_contacts(task, world_with_tip(task, 0.0, 0.0, 0.02, yaw=0.25)) > 0


def test_a_peg_beside_the_hole_stays_on_the_rim(task: InsertPeg) -> None:
    world = world_with_tip(task, 0.010, 0.0, -0.002)
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(8):
        assert not world.step(world.all_rows, action).solved.any()
    assert world.view(world.all_rows).site_position(task.tip_site)[0, 2] > RIM_M - 2 * CHAMFER_M


def test_the_peg_hangs_still_in_the_rack(task: InsertPeg) -> None:
    world = World(task, 100, 1)
    rows = world.all_rows
    world.reset(rows, rows)
    drawn = world.view(rows).qpos[:, task.peg_qpos : task.peg_qpos + 7].copy()
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(10):
        world.step(rows, action)
    resting = world.view(rows).qpos[:, task.peg_qpos : task.peg_qpos + 7]
    np.testing.assert_allclose(resting, drawn, atol=1e-3)


def test_pressing_targets_do_the_forces_virtual_work() -> None:
    posture, force = pressed_grasp(0.022).open, np.array([-2.0, 0.5, 1.0])
    assert np.array_equal(pressing_targets(posture, {}), posture)
    torque = FINGER_STIFFNESS_NM_PER_RAD * (pressing_targets(posture, {"index": force}) - posture)
    for joint in range(len(posture)):
        step = np.zeros(len(posture))
        step[joint] = 1e-5
        moved = fingertips(posture + step) - fingertips(posture - step)
        work = moved[FINGERS.index("index")] @ force
        assert 2e-5 * torque[joint] == pytest.approx(work, abs=1e-9)
