"""AdroitRelocate: its threshold, its start distribution, its goal, its expert's grasp."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.relocate_expert import AdroitRelocateExpert
from envs.adroit.relocate_task import (
    BALL_X_M,
    BALL_Y_M,
    LOST_Z_M,
    TARGET_X_M,
    TARGET_Z_M,
    TOLERANCE_M,
    AdroitRelocate,
)
from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import World


@pytest.fixture(scope="module")
def task() -> AdroitRelocate:
    task = make_task("AdroitRelocate")
    assert isinstance(task, AdroitRelocate)
    return task


def world_with_ball(task: AdroitRelocate, offset: np.ndarray) -> World:
    """One row that remembers its ball at `offset` from the goal."""
    world, row = World(task, 1, 1), np.array([0])
    world.reset(row, np.array([3]))
    world.memory["ball"][0] = world.memory["goal"][0] + offset
    return world


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("part", "is_solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: AdroitRelocate, axis: int, part: float, is_solved: bool
) -> None:
    world = world_with_ball(task, part * TOLERANCE_M * np.eye(3)[axis])
    view = world.view(world.all_rows)
    score = task.score(view)
    assert score.solved.tolist() == [is_solved]
    assert task.reaches(task.achieved_goal(view), task.desired_goal(view)).tolist() == [is_solved]
    assert (score.progress[0] == 1.0) == is_solved


def test_a_ball_off_the_table_fails(task: AdroitRelocate) -> None:
    for height, is_lost in ((LOST_Z_M - 1e-6, True), (LOST_Z_M + 1e-6, False)):
        world = world_with_ball(task, np.zeros(3))
        world.memory["ball"][0] = [0.6, 0.0, height]
        assert task.score(world.view(world.all_rows)).failed.tolist() == [is_lost]


def test_start_is_the_published_distribution(task: AdroitRelocate) -> None:
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(300)]
    balls = np.array([start.memory["ball_start"] for start in starts])
    goals = np.array([start.memory["goal"] for start in starts])
    assert not np.stack([start.qpos for start in starts]).any()
    ranges = ((balls[:, 0], BALL_X_M), (balls[:, 1], BALL_Y_M))
    ranges += ((goals[:, 0], TARGET_X_M), (goals[:, 2], TARGET_Z_M))
    for values, (low, high) in ranges:
        assert low <= values.min() < low + 0.02
        assert high - 0.02 < values.max() <= high
    assert (np.linalg.norm(balls - goals, axis=1) > TOLERANCE_M).all()


def test_ball_and_goal_stand_where_the_episode_says(task: AdroitRelocate) -> None:
    world = World(task, 3, 1)
    world.reset(world.all_rows, np.array([1, 2, 3]))
    view = world.view(world.all_rows)
    np.testing.assert_allclose(view.site_position(task.ball_site), view.memory("ball_start"))
    np.testing.assert_allclose(view.site_position(task.goal_site), view.memory("goal"))
    world.restore(0, world.save(2))
    view = world.view(world.all_rows)
    assert np.array_equal(view.site_position(task.goal_site)[0], view.memory("goal")[2])


def test_expert_carries_gently_and_progress_rises(task: AdroitRelocate) -> None:
    world = World(task, 12, 1)
    expert, rows = AdroitRelocateExpert(world), world.all_rows
    world.reset(rows, np.arange(12))
    expert.reset(rows, np.arange(12))
    best, fall, deepest, success = np.zeros(12), 0.0, 0.0, np.zeros(12, dtype=np.bool_)
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
        fall = max(fall, float((best[rows] - outcome.progress).max()))
        best[rows] = np.maximum(best[rows], outcome.progress)
        success[rows] = outcome.success
        contact = world.batch.get_data(int(rows[-1])).contact
        touches = (task.model.geom_bodyid[contact.geom] == task.ball_body).any(axis=1)
        deepest = min([deepest, *contact.dist[touches].tolist()])
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert success.all()
    assert fall < 0.06
    assert -0.003 < deepest < 0.0
