"""AdroitHammerWide: its start distribution, and that nothing else of AdroitHammer changed."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.hammer_task import AdroitHammer
from envs.adroit.hammer_wide_task import (
    BOARD_X_M,
    BOARD_Y_M,
    BOARD_Z_M,
    FINGERS_Z_M,
    HAMMER_X_M,
    AdroitHammerWide,
)
from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import World
from tests.envs.expert_runs import drive


@pytest.fixture(scope="module")
def task() -> AdroitHammerWide:
    task = make_task("AdroitHammerWide")
    assert isinstance(task, AdroitHammerWide)
    return task


def test_hammer_and_board_fill_their_places(task: AdroitHammerWide) -> None:
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(400)]
    boards = np.array([start.memory["board"] for start in starts])
    qpos = np.stack([start.qpos for start in starts])
    drawn = np.column_stack([qpos[:, task.slide_qpos], boards])
    places = np.array([HAMMER_X_M, BOARD_X_M, BOARD_Y_M, BOARD_Z_M])
    span = places[:, 1] - places[:, 0]
    assert (drawn.min(axis=0) >= places[:, 0]).all()
    assert (drawn.max(axis=0) <= places[:, 1]).all()
    assert (np.ptp(drawn, axis=0) > 0.97 * span).all()
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.2  # drawn apart from each other
    in_fingers = (boards[:, 2] > FINGERS_Z_M[0]) & (boards[:, 2] < FINGERS_Z_M[1])
    assert boards[in_fingers, 1].min() > 0.0
    assert not np.delete(qpos, task.slide_qpos, axis=1).any()


def test_hammer_lies_flat_and_nothing_touches(task: AdroitHammerWide) -> None:
    world, rows = World(task, 64, 1), np.arange(64)
    world.reset(rows, rows)
    hammer = world.view(rows).site_position(task.hammer_site)
    assert np.ptp(hammer[:, 0]) > 0.04
    np.testing.assert_allclose(hammer[:, 2], hammer[0, 2], atol=1e-12)
    assert [world.batch.get_data(row).ncon for row in rows.tolist()] == [0] * 64


def test_scene_and_observation_are_those_of_the_published_task(task: AdroitHammerWide) -> None:
    published = make_task("AdroitHammer")
    assert isinstance(published, AdroitHammer)
    assert task.spec.to_xml() == published.spec.to_xml()
    assert task.fields() == published.fields()
    assert task.episodes_id != published.episodes_id


def test_expert_grasps_gently_and_drives_the_nail_wherever_it_is(task: AdroitHammerWide) -> None:
    run = drive(task, list(range(20)), of_hand=True)
    assert all(run.success)
    assert max(run.fall) < 0.3
    assert -0.003 < run.deepest < -0.0005
