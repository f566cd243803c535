"""AdroitHammer: its threshold, its start distribution, its Euler angles, its expert."""

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.hammer_expert import AdroitHammerExpert
from envs.adroit.hammer_task import BOARD_Z_M, FLOOR_Z_M, TOLERANCE_M, AdroitHammer, euler
from envs.episode_streams import episode_generator
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


@pytest.mark.parametrize(("part", "is_solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: AdroitHammer, part: float, is_solved: bool
) -> None:
    world = begun(task)
    world.memory["nail"][0] = world.memory["goal"][0] - [part * TOLERANCE_M, 0.0, 0.0]
    score = task.score(world.view(world.all_rows))
    assert score.solved.tolist() == [is_solved]
    assert score.progress[0] > 0.99


def test_a_hammer_off_the_table_fails(task: AdroitHammer) -> None:
    world = begun(task)
    for height, is_lost in ((FLOOR_Z_M - 1e-6, True), (FLOOR_Z_M + 1e-6, False)):
        world.memory["hammer"][0, 2] = height
        assert task.score(world.view(world.all_rows)).failed.tolist() == [is_lost]


def test_start_is_the_published_distribution(task: AdroitHammer) -> None:
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(300)]
    boards = np.array([start.memory["board"] for start in starts])
    assert (boards[:, :2] == [0.05, 0.0]).all()
    assert BOARD_Z_M[0] <= boards[:, 2].min() < BOARD_Z_M[0] + 0.01
    assert BOARD_Z_M[1] - 0.01 < boards[:, 2].max() <= BOARD_Z_M[1]
    assert not np.stack([start.qpos for start in starts]).any()


def test_nail_and_goal_stand_at_the_boards_height(task: AdroitHammer) -> None:
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


def test_restored_row_remembers_the_impact(task: AdroitHammer) -> None:
    world = begun(task, 2)
    world.memory["impact"][0] = 0.7
    world.restore(1, world.save(0))
    assert task.observe_published(world.view(np.array([1])))["nail_impact"].tolist() == [[0.7]]


def test_expert_drives_the_nail_with_the_hammer(task: AdroitHammer) -> None:
    world = begun(task, 6)
    expert, rows = AdroitHammerExpert(world), world.all_rows
    expert.reset(rows, np.arange(6))
    nail_body = int(task.model.site_bodyid[task.nail_site])
    head, best, fall = int(task.model.geom("head").id), np.zeros(6), 0.0
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
        fall = max(fall, float((best[rows] - outcome.progress).max()))
        best[rows] = np.maximum(best[rows], outcome.progress)
        pairs = world.batch.get_data(int(rows[0])).contact.geom
        nail = task.model.geom_bodyid[pairs] == nail_body
        assert (pairs[nail.any(axis=1)] == head).any(axis=1).all()  # nothing else touches it
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert (best == 1.0).sum() >= 5
    assert fall < 0.15
