"""AdroitRelocate: failure, and the positions of ball and goal."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.relocate_task import (
    LOST_Z_M,
    AdroitRelocate,
)
from envs.registry import make_task
from envs.world import World


@pytest.fixture(scope="module")
def task() -> AdroitRelocate:
    task = make_task("AdroitRelocate")
    assert isinstance(task, AdroitRelocate)
    return task


def test_a_ball_off_the_table_fails(task: AdroitRelocate) -> None:
    world = World(task, 1, 1)
    world.reset(world.all_rows, np.array([3]))
    for height, is_lost in ((LOST_Z_M - 1e-6, True), (LOST_Z_M + 1e-6, False)):
        world.memory["ball"][0] = [0.6, 0.0, height]
        assert task.score(world.view(world.all_rows)).failed.tolist() == [is_lost]


def test_ball_and_goal_are_at_the_positions_of_the_episode(task: AdroitRelocate) -> None:
    world = World(task, 3, 1)
    world.reset(world.all_rows, np.array([1, 2, 3]))
    view = world.view(world.all_rows)
    np.testing.assert_allclose(view.site_position(task.ball_site), view.memory("ball_start"))
    np.testing.assert_allclose(view.site_position(task.goal_site), view.memory("goal"))
    world.restore(0, world.save(2))
    view = world.view(world.all_rows)
    assert np.array_equal(view.site_position(task.goal_site)[0], view.memory("goal")[2])
