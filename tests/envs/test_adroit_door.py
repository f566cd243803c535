"""AdroitDoor: its threshold, its start distribution, its expert's geometry."""

import mujoco
import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.door_expert import AdroitDoorExpert, DoorPhase
from envs.adroit.door_places import BAR_Y_M, LATCH_M, bar_at, in_door
from envs.adroit.door_task import FRAME_X_M, FRAME_Y_M, FRAME_Z_M, OPEN_RAD, AdroitDoor
from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import STATE_STAGE, World
from tests.envs.expert_runs import drive


@pytest.fixture(scope="module")
def task() -> AdroitDoor:
    task = make_task("AdroitDoor")
    assert isinstance(task, AdroitDoor)
    return task


def world_with_door(task: AdroitDoor, hinge: float, latch: float) -> World:
    world, row = World(task, 1, 1), np.array([0])
    world.reset(row, np.array([3]))
    qpos = world.batch.bind("qpos")
    qpos[0, [task.hinge_qpos, task.latch_qpos]] = hinge, latch
    world.batch.forward(ids=row, stage=STATE_STAGE)
    return world


@pytest.mark.parametrize(("hinge", "is_solved"), [(OPEN_RAD, True), (OPEN_RAD - 1e-9, False)])
def test_solved_fires_exactly_at_threshold(task: AdroitDoor, hinge: float, is_solved: bool) -> None:
    world = world_with_door(task, hinge, 1.3)
    score = task.score(world.view(world.all_rows))
    assert score.solved.tolist() == [is_solved]
    assert score.progress[0] == pytest.approx(1.0, abs=1e-6)


def test_progress_and_reward_rise_with_latch_and_hinge(task: AdroitDoor) -> None:
    angles = [(0.0, 0.0), (0.0, 0.6), (0.0, 1.2), (0.5, 1.3), (1.0, 1.3), (1.4, 1.3)]
    scores = []
    for hinge, latch in angles:
        world = world_with_door(task, hinge, latch)
        scores.append(task.score(world.view(world.all_rows)))
    progress = [float(score.progress[0]) for score in scores]
    assert progress == sorted(progress)
    rewards = [sum(float(v[0]) for k, v in s.reward_terms.items() if k != "reach") for s in scores]
    assert rewards == sorted(rewards)


def test_start_is_the_published_distribution(task: AdroitDoor) -> None:
    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(300)]
    frames = np.array([start.memory["frame"] for start in starts])
    assert not np.stack([start.qpos for start in starts]).any()
    for values, (low, high) in zip(frames.T, (FRAME_X_M, FRAME_Y_M, FRAME_Z_M), strict=True):
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() <= high


def test_published_observation_hides_the_slide_and_the_full_one_shows_it(task: AdroitDoor) -> None:
    world = world_with_door(task, 1.1, 0.3)
    world.batch.bind("qpos")[0, 0] = 0.123
    view = world.view(world.all_rows)
    published, added = task.observe_published(view), task.observe_added(view)
    assert not any((value == 0.123).any() for value in published.values())
    assert added["arm_slide"].tolist() == [[0.123]]
    assert published["is_ajar"].tolist() == [[1.0]]


@pytest.mark.parametrize(("hinge", "latch"), [(0.0, 0.0), (0.7, 1.3), (1.4, 0.5)])
def test_expert_knows_where_the_bar_is(task: AdroitDoor, hinge: float, latch: float) -> None:
    world = world_with_door(task, hinge, latch)
    model, data = world.batch.get_model(0), world.batch.get_data(0)
    mujoco.mj_forward(model, data)
    frame = world.memory["frame"]
    point, up, _ = bar_at(frame, np.array([hinge]), np.array([latch]))
    body = data.body("latch")
    local = body.xmat.reshape(3, 3).T @ (point[0] - body.xpos)
    assert local[1:] == pytest.approx([BAR_Y_M, 0.0], abs=1e-9)
    assert body.xmat.reshape(3, 3).T @ up[0] == pytest.approx([0, 0, 1], abs=1e-9)
    offset = in_door(frame, np.array([hinge]), body.xpos[None])[0]
    assert offset == pytest.approx(LATCH_M - [0.6, 0.0, 0.0], abs=1e-9)


def test_expert_goes_through_its_phases_to_an_open_door(task: AdroitDoor) -> None:
    world = World(task, 4, 1)
    expert, rows = AdroitDoorExpert(world), world.all_rows
    world.reset(rows, np.arange(4))
    expert.reset(rows, np.arange(4))
    seen, best, fall = set(), np.zeros(4), 0.0
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
        seen |= set(expert.phase[rows].tolist())
        fall = max(fall, float((best[rows] - outcome.progress).max()))
        best[rows] = np.maximum(best[rows], outcome.progress)
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert (best == 1.0).all()
    assert seen >= set(DoorPhase) - {DoorPhase.AROUND, DoorPhase.PUSH}
    assert fall < 0.1


def test_hand_opens_the_door_without_sinking_into_it(task: AdroitDoor) -> None:
    run = drive(task, list(range(24)))
    assert all(run.success)
    assert -0.003 < run.deepest < -0.0005
