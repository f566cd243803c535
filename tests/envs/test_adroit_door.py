"""AdroitDoor: progress, observations, and the expert's geometry."""

import mujoco
import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit.door_expert import AdroitDoorExpert, DoorPhase
from envs.adroit.door_places import BAR_Y_M, LATCH_M, bar_at, in_door
from envs.adroit.door_task import AdroitDoor
from envs.registry import make_task
from envs.world import STATE_STAGE, World


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


def test_only_the_full_observation_contains_the_slide(task: AdroitDoor) -> None:
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


def test_expert_passes_its_phases_and_opens_the_door(task: AdroitDoor) -> None:
    world = World(task, 2, 1)
    expert, rows = AdroitDoorExpert(world), world.all_rows
    world.reset(rows, rows)
    expert.reset(rows, rows)
    seen, successes = set(), 0
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
        seen |= set(expert.phase[rows].tolist())
        successes += int(outcome.success.sum())
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert successes == 2
    assert seen >= set(DoorPhase) - {DoorPhase.AROUND, DoorPhase.PUSH}
