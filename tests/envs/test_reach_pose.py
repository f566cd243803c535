"""ReachPose: its threshold, its start distribution, its expert."""

import mujoco
import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.reach_pose import ReachPhase, ReachPoseExpert
from envs.hand.hand import HAND_JOINTS
from envs.hand.kinematics import coupled_qpos
from envs.rotations import distance
from envs.tasks.reach_pose import LEAST_TRAVEL_M, TOLERANCE_M, ReachPose
from envs.world import STATE_STAGE, World


@pytest.fixture(scope="module")
def task() -> ReachPose:
    return ReachPose()


def world_at_goal(task: ReachPose, miss_m: float) -> World:
    """One row at rest in its goal posture, the middle finger's goal moved by `miss_m`."""
    world, row = World(task, 1), np.array([0])
    world.reset(row, np.array([3]))
    qpos = task.model.qpos0.copy()
    qpos[task.hand.qpos] = world.memory["goal_posture"][0]
    world.batch.bind("qpos")[0] = coupled_qpos(task.model, qpos)
    world.batch.forward(ids=row, stage=STATE_STAGE)
    goals = world.view(row).site_position(task.hand.tips).copy()
    goals[0, 2, 0] += miss_m
    world.memory["goal"][0] = goals.ravel()
    return world


@pytest.mark.parametrize(("miss_m", "is_solved"), [(0.99, True), (1.01, False), (-1.01, False)])
def test_solved_fires_exactly_at_tolerance(task: ReachPose, miss_m: float, is_solved: bool) -> None:
    world = world_at_goal(task, miss_m * TOLERANCE_M)
    score = task.score(world.view(world.all_rows))
    assert score.solved.tolist() == [is_solved]
    assert score.progress[0] > 0.99


def test_success_comes_after_exactly_hold_steps(task: ReachPose) -> None:
    world = world_at_goal(task, 0.0)
    action = task.action(world.memory["goal_posture"])
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_start_is_in_stated_ranges_and_touches_nothing(task: ReachPose) -> None:
    data = mujoco.MjData(task.model)
    postures = []
    for seed in range(60):
        start = task.draw_start(episode_generator(task, seed, "start"))
        posture, goal_posture = start.qpos[task.hand.qpos], start.memory["goal_posture"]
        for joints in (posture, goal_posture):
            assert (joints >= task.posture_low).all()
            assert (joints <= task.posture_high).all()
        part = (goal_posture - task.hand.low) / (task.hand.high - task.hand.low)
        mcp, ip = HAND_JOINTS.index("thumb_mcp"), HAND_JOINTS.index("thumb_ip")
        assert part[ip] == pytest.approx(part[mcp])
        data.qpos = start.qpos
        mujoco.mj_forward(task.model, data)
        assert data.ncon == 0
        goals = start.memory["goal"].reshape(5, 3)
        assert distance(data.site_xpos[task.hand.tips], goals).max() > LEAST_TRAVEL_M
        postures.append(posture)
    reached = np.ptp(postures, axis=0) / (task.posture_high - task.posture_low)
    assert (reached > 0.6).all()


def test_start_is_a_function_of_its_generator(task: ReachPose) -> None:
    a, b = (task.draw_start(episode_generator(task, 7, "start")) for _ in range(2))
    assert a.qpos.tobytes() == b.qpos.tobytes()
    assert a.memory["goal"].tobytes() == b.memory["goal"].tobytes()


def test_goal_offset_is_goal_minus_tip(task: ReachPose) -> None:
    world = World(task, 3)
    world.reset(world.all_rows, np.array([0, 1, 2]))
    values = task.observe(world.view(world.all_rows))
    difference = values["goal_position"] - values["tip_position"]
    np.testing.assert_allclose(values["goal_offset"], difference, atol=1e-12)
    assert world.observe(world.all_rows).shape == (3, task.obs_dim)


def drive(task: ReachPose, seeds: list[int]) -> tuple[list[bool], list[int]]:
    """Run the expert's episodes `seeds` side by side; return success and length of each."""
    world = World(task, len(seeds))
    expert, rows = ReachPoseExpert(world), world.all_rows
    world.reset(rows, np.array(seeds))
    expert.reset(rows, np.array(seeds))
    success = np.zeros(len(seeds), dtype=np.bool_)
    while len(rows):
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        success[rows] = outcome.success
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return success.tolist(), world.step_count.tolist()


def test_expert_reaches_its_floor(task: ReachPose) -> None:
    success, _ = drive(task, list(range(20)))
    assert sum(success) >= 19


def test_expert_does_not_depend_on_batch_size(task: ReachPose) -> None:
    seeds = [5, 0, 11]
    together = drive(task, seeds)
    alone = [drive(task, [seed]) for seed in seeds]
    assert together == ([s[0] for s, _ in alone], [n[0] for _, n in alone])


def test_expert_opens_the_hand_when_blocked(task: ReachPose) -> None:
    world = World(task, 2)
    expert, rows = ReachPoseExpert(world), world.all_rows
    world.reset(rows, np.array([0, 1]))
    expert.reset(rows, np.array([0, 1]))
    world.memory["goal_posture"][0] = world.view(rows).qpos[0, task.hand.qpos] + 0.5
    expert.phase_steps[:] = 3  # both stand still, row 0 half a radian from its goal
    world.memory["goal_posture"][1] = world.view(rows).qpos[1, task.hand.qpos]
    expert.act(rows, world.observe(rows))
    assert expert.phase.tolist() == [ReachPhase.PART, ReachPhase.REACH]
