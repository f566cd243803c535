"""AdroitHammer: failure, goal, Euler angles, and contacts of the nail."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.hammer_expert import AdroitHammerExpert
from envs.adroit.hammer_task import FLOOR_Z_M, AdroitHammer, euler
from envs.registry import make_task
from envs.world import World


@pytest.fixture(scope="module")
def task() -> AdroitHammer:
    task = make_task("AdroitHammer")
    assert isinstance(task, AdroitHammer)
    return task


def begun(task: AdroitHammer, count: int = 1) -> World:
    world = World(task, count, 1)
    world.reset(world.all_rows, np.arange(count))
    return world


def test_a_hammer_off_the_table_fails(task: AdroitHammer) -> None:
    world = begun(task)
    for height, is_lost in ((FLOOR_Z_M - 1e-6, True), (FLOOR_Z_M + 1e-6, False)):
        world.memory["hammer"][0, 2] = height
        assert task.score(world.view(world.all_rows)).failed.tolist() == [is_lost]


def test_nail_and_goal_are_at_the_boards_height(task: AdroitHammer) -> None:
    world = begun(task, 3)
    for name in ("nail", "goal"):
        assert world.memory[name][:, 2] == pytest.approx(world.memory["board"][:, 2], abs=2e-3)
    score = task.score(world.view(world.all_rows))
    assert score.progress == pytest.approx(np.zeros(3), abs=0.02)


def test_euler_angles_are_the_published_ones() -> None:
    from gymnasium_robotics.utils.rotations import mat2euler

    rng = np.random.default_rng(0)
    matrices = np.linalg.qr(rng.normal(size=(50, 3, 3)))[0]
    matrices *= np.linalg.det(matrices)[:, None, None]
    np.testing.assert_allclose(euler(matrices), mat2euler(matrices), atol=1e-12)


def test_restored_row_contains_the_impact(task: AdroitHammer) -> None:
    world = begun(task, 2)
    world.memory["impact"][0] = 0.7
    world.restore(1, world.save(0))
    assert task.observe_published(world.view(np.array([1])))["nail_impact"].tolist() == [[0.7]]


def test_only_the_hammer_strikes_the_nail(task: AdroitHammer) -> None:
    world = begun(task, 2)
    expert, rows = AdroitHammerExpert(world), world.all_rows
    expert.reset(rows, np.arange(2))
    nail_body = int(task.model.site_bodyid[task.nail_site])
    head, strikes = int(task.model.geom("head").id), 0
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
        for row in rows.tolist():
            pairs = world.batch.get_data(row).contact.geom
            of_nail = pairs[(task.model.geom_bodyid[pairs] == nail_body).any(axis=1)]
            assert (of_nail == head).any(axis=1).all()
            strikes += len(of_nail)
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert strikes > 0
