"""ReachPose: goal observations, and the expert's reaction when blocked."""

import numpy as np
import pytest

from envs.experts.reach_pose import ReachPhase, ReachPoseExpert
from envs.tasks.reach_pose import ReachPose
from envs.world import World


@pytest.fixture(scope="module")
def task() -> ReachPose:
    return ReachPose()


def test_goal_offset_is_goal_minus_tip(task: ReachPose) -> None:
    world = World(task, 3)
    world.reset(world.all_rows, np.array([0, 1, 2]))
    values = task.observe(world.view(world.all_rows))
    difference = values["goal_position"] - values["tip_position"]
    np.testing.assert_allclose(values["goal_offset"], difference, atol=1e-12)
    assert world.observe(world.all_rows).shape == (3, task.obs_dim)


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
