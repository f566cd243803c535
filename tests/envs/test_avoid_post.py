"""AvoidPost: failure, modes, and how late the expert chooses a side."""

import numpy as np
import pytest

from envs.experts.avoid_post import AvoidPostExpert
from envs.task import NO_MODE
from envs.tasks.avoid_post import (
    POST_M,
    POST_RADIUS_M,
    AvoidPost,
)
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.world import STATE_STAGE, World


@pytest.fixture(scope="module")
def task() -> AvoidPost:
    return AvoidPost()


def begin(task: AvoidPost) -> World:
    world = World(task, 1, 1)
    world.reset(world.all_rows, np.array([3]))
    return world


def put_cube(world: World, task: AvoidPost, place: np.ndarray) -> None:
    """Put the cube's centre at `place`, (3,) [m]."""
    world.batch.bind("qpos")[0, task.cube_qpos : task.cube_qpos + 3] = place
    world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)


def pass_post(world: World, task: AvoidPost, *offsets: tuple[float, float]) -> int:
    """Move the cube through `offsets` from the post's axis; return the final mode."""
    for offset in offsets:
        place = np.append(POST_M + offset, 0.2)
        put_cube(world, task, place)
        view = world.view(world.all_rows)
        for name, values in task.update_memory(view).items():
            world.memory[name][:] = values
    return int(task.score(world.view(world.all_rows)).mode[0])


def test_reaches_accepts_any_leading_axes(task: AvoidPost) -> None:
    desired = np.zeros((2, 4, 3))
    achieved = desired + np.array([0.0, 0.0, 0.999, 1.001])[None, :, None] * [0, 0, 0.03]
    assert task.reaches(achieved, desired).tolist() == [[True, True, True, False]] * 2


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, -1.0)])
def test_any_touch_of_the_post_ends_the_episode(
    task: AvoidPost, direction: tuple[float, float]
) -> None:
    for gap, fails in ((0.0005, False), (-0.0005, True)):
        world = begin(task)
        reach = CUBE_HALF_SIZE_M + POST_RADIUS_M + gap
        pose = world.batch.bind("qpos")[0, task.cube_qpos : task.cube_qpos + 7]
        pose[:2] = POST_M + reach * np.array(direction)
        pose[2:] = (CUBE_HALF_SIZE_M, 1.0, 0.0, 0.0, 0.0)
        world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)
        action = task.action(world.batch.bind("ctrl"))
        outcome = world.step(world.all_rows, action)
        assert (outcome.failed[0], outcome.terminated[0]) == (fails, fails)
        assert task.is_touched(world.view(world.all_rows)).tolist() == [fails]


def test_a_touched_post_is_never_solved(task: AvoidPost) -> None:
    world = begin(task)
    put_cube(world, task, world.memory["goal"][0])
    assert task.score(world.view(world.all_rows)).solved.all()
    world.batch.bind("qpos")[0, task.post_qpos[1]] += 1e-8
    score = task.score(world.view(world.all_rows))
    assert (score.solved[0], score.failed[0], score.progress[0]) == (False, True, 0.0)


def test_mode_is_the_side_on_which_the_cube_passed(task: AvoidPost) -> None:
    assert pass_post(begin(task), task, (-0.001, 0.1)) == NO_MODE
    assert pass_post(begin(task), task, (-0.001, 0.1), (0.001, 0.1)) == task.modes.index("left")
    assert pass_post(begin(task), task, (-0.001, -0.1), (0.1, -0.1)) == task.modes.index("right")
    # Motion behind the post does not change the mode; returning before the post resets it.
    assert pass_post(begin(task), task, (0.001, 0.1), (0.1, -0.1)) == task.modes.index("left")
    back = ((0.001, 0.1), (-0.001, 0.1), (0.001, -0.1))
    assert pass_post(begin(task), task, *back[:2]) == NO_MODE
    assert pass_post(begin(task), task, *back) == task.modes.index("right")


def test_expert_dashes_straight_until_it_swerves(task: AvoidPost) -> None:
    """The modes are identical before the swerve; less than a chunk of time remains after it."""
    world = World(task, 2, 1)
    expert, rows, seeds = AvoidPostExpert(world), world.all_rows, np.array([3, 3])
    world.reset(rows, seeds)
    expert.reset(rows, seeds)
    expert.mode[:] = (0, 1)
    diverged, touched = 0, 0
    while not touched:
        actions, _ = expert.act(rows, world.observe(rows))
        same = np.array_equal(actions[0], actions[1])
        if not same and not diverged:
            diverged = int(world.step_count[0])
        mean = np.stack([actions[0, 0], actions.mean(axis=0)[0]])
        outcome = world.step(rows, actions[:, 0] if same else mean)
        touched = int(outcome.failed[1]) * int(world.step_count[1])
        assert not outcome.truncated.any()
    assert 0 < touched - diverged < 8
