"""AdroitHammerWide: initial states, and otherwise the same as AdroitHammer."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.hammer_task import AdroitHammer
from envs.adroit.hammer_wide_task import (
    AdroitHammerWide,
)
from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import World


@pytest.fixture(scope="module")
def task() -> AdroitHammerWide:
    task = make_task("AdroitHammerWide")
    assert isinstance(task, AdroitHammerWide)
    return task


def test_hammer_and_board_are_drawn_independently(task: AdroitHammerWide) -> None:
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(400)]
    hammer = [start.qpos[task.slide_qpos] for start in starts]
    drawn = np.column_stack([hammer, [start.memory["board"] for start in starts]])
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.2


def test_hammer_is_flat_at_every_position(task: AdroitHammerWide) -> None:
    world, rows = World(task, 64, 1), np.arange(64)
    world.reset(rows, rows)
    hammer = world.view(rows).site_position(task.hammer_site)
    assert np.ptp(hammer[:, 0]) > 0.04
    np.testing.assert_allclose(hammer[:, 2], hammer[0, 2], atol=1e-12)


def test_scene_and_observation_are_those_of_the_published_task(task: AdroitHammerWide) -> None:
    published = make_task("AdroitHammer")
    assert isinstance(published, AdroitHammer)
    assert task.spec.to_xml() == published.spec.to_xml()
    assert task.fields() == published.fields()
    assert task.episodes_id != published.episodes_id
