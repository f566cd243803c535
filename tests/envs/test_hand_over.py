"""HandOver: its thresholds, its start distribution, its goal, its expert and how it recovers."""

import mujoco
import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.hand_over import PASS_M, HandOverExpert, HandOverPhase
from envs.rotations import yaw_quaternion
from envs.tasks.hand_over import (
    CLEAR_M,
    MOUNT_Y_M,
    PAD_AREA_M,
    STICK_AREA_M,
    STICK_HALF_SIZE_M,
    STICK_YAW_RAD,
    STILL_M_S,
    STILL_RAD_S,
    TIP_RADIUS_M,
    TOLERANCE_M,
    HandOver,
)
from envs.world import STATE_STAGE, World

ROW = np.array([0])


@pytest.fixture(scope="module")
def task() -> HandOver:
    return HandOver()


def world_with_stick(task: HandOver, place: np.ndarray, yaw: float = 0.0, seed: int = 3) -> World:
    """One row with both hands at a start and the stick at rest at `place` [m]."""
    world = World(task, 1)
    world.reset(ROW, np.array([seed]))
    pose = np.concatenate([place, yaw_quaternion(yaw)])
    world.batch.bind("qpos")[0, task.stick_qpos : task.stick_qpos + 7] = pose
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    return world


def goal_of(task: HandOver, seed: int = 3) -> np.ndarray:
    return task.draw_start(episode_generator(task, seed, "start")).memory["goal"]


def is_solved(task: HandOver, world: World) -> bool:
    return bool(task.score(world.view(ROW)).solved[0])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("part", "solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: HandOver, axis: int, part: float, solved: bool
) -> None:
    offset = np.eye(3)[axis] * part * TOLERANCE_M
    world = world_with_stick(task, goal_of(task) + offset)
    assert is_solved(task, world) is solved
    view = world.view(ROW)
    achieved, desired = task.achieved_goal(view), task.desired_goal(view)
    assert task.reaches(achieved, desired).tolist() == [solved]
    np.testing.assert_allclose(achieved - desired, offset[None], atol=1e-12)


@pytest.mark.parametrize(("first", "limit"), [(0, STILL_M_S), (3, STILL_RAD_S)])
@pytest.mark.parametrize(("part", "solved"), [(0.999, True), (1.001, False)])
def test_solved_needs_a_still_stick(
    task: HandOver, first: int, limit: float, part: float, solved: bool
) -> None:
    world = world_with_stick(task, goal_of(task))
    world.batch.bind("qvel")[0, task.stick_dof + first + 1] = part * limit
    assert is_solved(task, world) is solved


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("gap", "solved"), [(CLEAR_M + 1e-4, True), (CLEAR_M - 1e-4, False)])
def test_solved_needs_both_hands_off(task: HandOver, side: int, gap: float, solved: bool) -> None:
    world = world_with_stick(task, np.zeros(3))
    tip = world.view(ROW).site_position(task.hand.sides[side].tips)[0, 2]
    # The stick's end points at the extended middle finger.
    place = tip + np.array([STICK_HALF_SIZE_M[1] + TIP_RADIUS_M + gap, 0.0, 0.0])
    world = world_with_stick(task, place, np.pi / 2)
    world.memory["goal"][0] = place
    assert task.clearance(world.view(ROW))[0].min() == pytest.approx(gap, abs=1e-9)
    assert task.clearance(world.view(ROW))[0].argmin() == 5 * side + 2
    assert is_solved(task, world) is solved


def test_success_comes_after_exactly_hold_steps(task: HandOver) -> None:
    world = world_with_stick(task, goal_of(task))
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(ROW, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_start_is_in_stated_ranges_and_touches_nothing(task: HandOver) -> None:
    data = mujoco.MjData(task.model)
    places, goals, yaws = [], [], []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        data.qpos = start.qpos
        mujoco.mj_forward(task.model, data)
        touching = {task.model.geom(g).name for pair in data.contact.geom for g in pair}
        assert touching <= {"table", "stick"}
        pose = start.qpos[task.stick_qpos : task.stick_qpos + 7]
        places.append(pose[:3])
        yaws.append(2 * np.arctan2(pose[6], pose[3]))
        goals.append(start.memory["goal"])
    assert 0.9 * STICK_YAW_RAD < np.abs(yaws).max() <= STICK_YAW_RAD
    for drawn, area in ((np.array(places), STICK_AREA_M), (np.array(goals), PAD_AREA_M)):
        np.testing.assert_array_equal(drawn[:, 2], STICK_HALF_SIZE_M[2])
        for k, (low, high) in enumerate(area):
            assert low <= drawn[:, k].min()
            assert drawn[:, k].max() <= high
            assert np.ptp(drawn[:, k]) > 0.9 * (high - low)


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


def test_pad_lies_under_the_goal(task: HandOver) -> None:
    goals = np.array([[0.05, 0.3, 0.015], [0.0, 0.35, 0.015]])
    assert task.mocap({"goal": goals}).tolist() == [[[0.05, 0.3, 0.0]], [[0.0, 0.35, 0.0]]]


def drive(world: World, expert: HandOverExpert) -> tuple[np.ndarray, float, float]:
    """Finish the episodes; return success, the deepest grasp and the largest fall of progress."""
    task, rows = world.task, world.all_rows
    success, best = np.zeros(len(rows), dtype=np.bool_), np.zeros(len(rows))
    deepest, fall = 0.0, 0.0
    stick = task.model.geom("stick").id
    while len(rows):
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        success[rows] = outcome.success
        fall = max(fall, float((best[rows] - outcome.progress).max()))
        best[rows] = np.maximum(best[rows], outcome.progress)
        contacts = world.batch.get_data(int(rows[0])).contact
        of_stick = (contacts.geom == stick).any(axis=1)
        deepest = min([deepest, *contacts.dist[of_stick].tolist()])
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return success, deepest, fall


def test_expert_hands_over_gently_and_progress_never_falls(task: HandOver) -> None:
    world = World(task, 12)
    expert, seeds = HandOverExpert(world), np.arange(12)
    world.reset(world.all_rows, seeds)
    expert.reset(world.all_rows, seeds)
    success, deepest, fall = drive(world, expert)
    assert success.sum() >= 11
    assert -0.003 < deepest < 0.0
    assert fall < 0.05


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
    seen = []
    while not seen or seen[-1] not in (HandOverPhase.GRASP, HandOverPhase.HOLD):
        actions, _ = expert.act(ROW, world.observe(ROW))
        world.step(ROW, actions[:, 0])
        seen.append(expert.phase[0])
    assert seen[-1] == first_hand
    success, _, _ = drive(world, expert)
    assert success.all()
