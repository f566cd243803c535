"""InsertPeg: its threshold, its hole's clearance, its start distribution, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.grasp import pressed_grasp
from envs.experts.insert_peg import InsertPegExpert
from envs.hand.hand import FINGER_STIFFNESS_NM_PER_RAD, FINGERS
from envs.hand.kinematics import pressing_targets
from envs.rotations import yaw_quaternion
from envs.tasks.insert_peg import (
    ASIDE_M,
    CHAMFER_M,
    CLEARANCE_M,
    DEPTH_M,
    HOLE_AREA_M,
    PEG_JITTER_M,
    PEG_YAW_RAD,
    RACK_AREA_M,
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
    """One row whose peg's lower end is at x, y [m] from the hole's axis and `depth` [m] deep."""
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


@pytest.mark.parametrize(
    ("x", "depth", "is_solved"),
    [
        (0.0, DEPTH_M + 1e-5, True),
        (0.0, DEPTH_M - 1e-5, False),
        (0.999 * ASIDE_M, 1.1 * DEPTH_M, True),
        (-1.001 * ASIDE_M, 1.1 * DEPTH_M, False),
    ],
)
def test_solved_fires_exactly_at_depth(
    task: InsertPeg, x: float, depth: float, is_solved: bool
) -> None:
    world = world_with_tip(task, x, 0.0, depth)
    view = world.view(world.all_rows)
    assert task.score(view).solved.tolist() == [is_solved]
    assert task.reaches(task.achieved_goal(view), task.desired_goal(view)).tolist() == [is_solved]


def test_a_peg_let_go_in_the_hole_succeeds_after_exactly_hold_steps(task: InsertPeg) -> None:
    world = world_with_tip(task, 0.0, 0.0, 0.047)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


@pytest.mark.parametrize("axis", [(1, 0), (0, 1), (-1, 0), (0, -1)])
def test_hole_leaves_its_clearance_on_each_side(task: InsertPeg, axis: tuple[int, int]) -> None:
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


def test_a_peg_beside_the_hole_falls_on_the_rim(task: InsertPeg) -> None:
    world = world_with_tip(task, 0.010, 0.0, -0.002)
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(8):
        assert not world.step(world.all_rows, action).solved.any()
    assert world.view(world.all_rows).site_position(task.tip_site)[0, 2] > RIM_M - 2 * CHAMFER_M


def test_start_is_in_stated_ranges_and_the_peg_hangs_in_the_rack(task: InsertPeg) -> None:
    world = World(task, 100, 1)
    world.reset(world.all_rows, np.arange(100))
    rack, hole = world.memory["rack"], world.memory["hole"]
    for values, bounds in ((rack, RACK_AREA_M), (hole, HOLE_AREA_M)):
        low, high = np.array(bounds).T
        assert (values >= low).all()
        assert (values <= high).all()
        assert (np.ptp(values, axis=0) > 0.8 * (high - low)).all()
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(100)]
    peg = np.stack([start.qpos[task.peg_qpos : task.peg_qpos + 7] for start in starts])
    assert (np.abs(peg[:, :2] - rack) <= PEG_JITTER_M).all()
    assert 0.8 * PEG_YAW_RAD < np.abs(2 * np.arctan2(peg[:, 6], peg[:, 3])).max() <= PEG_YAW_RAD
    hand = task.model.geom("palm").id
    for row in range(20):
        data = world.batch.get_data(row)
        assert (data.contact.dist > -1e-6).all()
        assert hand not in data.contact.geom
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(10):
        world.step(world.all_rows, action)
    resting = world.view(world.all_rows).qpos[:, task.peg_qpos : task.peg_qpos + 7]
    np.testing.assert_allclose(resting, peg, atol=1e-3)


def test_expert_reaches_its_floor_without_deep_contact(task: InsertPeg) -> None:
    world = World(task, 20, 1)
    expert, rows, seeds = InsertPegExpert(world), world.all_rows, np.arange(20)
    world.reset(rows, seeds)
    expert.reset(rows, seeds)
    best, success, deepest = np.zeros(20), np.zeros(20, dtype=np.bool_), 0.0
    while len(rows):
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        assert (outcome.progress > best[rows] - 0.05).all()
        best[rows] = np.maximum(best[rows], outcome.progress)
        success[rows] = outcome.success
        contacts = world.batch.get_data(int(rows[0])).contact
        deepest = min([deepest, *np.atleast_1d(contacts.dist).tolist()])
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert success.sum() >= 19
    assert -0.003 < deepest < 0.0


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
