"""StackCubes: its thresholds, its start distribution, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.put_down import PutDownPhase
from envs.rotations import yaw_of
from envs.tasks.cube_parts import CLEAR_M, CUBE_HALF_SIZE_M, FLAT_M, STILL_M_PER_S
from envs.tasks.stack_cubes import (
    APART_M,
    AREA_M,
    CUBE_YAW_RAD,
    EDGE_UP_M,
    OVER_TOLERANCE_M,
    StackCubes,
)
from envs.world import STATE_STAGE, World
from tests.envs.expert_runs import begin, drive, phases_when_moved, put

SIDEWAYS = np.array([0.6, 0.8, 0.0])
UP = np.array([0.0, 0.0, 1.0])
NOWHERE = np.zeros(3)


@pytest.fixture(scope="module")
def task() -> StackCubes:
    return StackCubes()


def stacked(
    task: StackCubes,
    offset: np.ndarray = NOWHERE,
    base_offset: np.ndarray = NOWHERE,
    speeds: tuple[float, float] = (0.0, 0.0),
) -> World:
    """One row with the hand far away and the cube on the base, both `offset` from the best [m]."""
    world = begin(task)
    base = world.view(world.all_rows).site_position(task.cube_sites[1])[0]
    world.batch.bind("qvel")[0, task.cube_dof] = speeds
    put(world, task.cube_qpos[1], base + base_offset)
    put(world, task.cube_qpos[0], base + EDGE_UP_M + offset)
    return world


def solved(world: World) -> bool:
    return bool(world.task.score(world.view(world.all_rows)).solved[0])


@pytest.mark.parametrize(("part", "expected"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_thresholds(task: StackCubes, part: float, expected: bool) -> None:
    assert solved(stacked(task, part * OVER_TOLERANCE_M * SIDEWAYS)) is expected
    for height in (part * FLAT_M * UP, -part * FLAT_M * UP):
        assert solved(stacked(task, height)) is expected
        assert solved(stacked(task, base_offset=height)) is expected
    for speeds in ((part * STILL_M_PER_S, 0.0), (0.0, -part * STILL_M_PER_S)):
        assert solved(stacked(task, speeds=speeds)) is expected


def test_cubes_count_only_in_this_order(task: StackCubes) -> None:
    world = stacked(task)
    base = world.view(world.all_rows).site_position(task.cube_sites[1])[0].copy()
    put(world, task.cube_qpos[0], base)
    put(world, task.cube_qpos[1], base + EDGE_UP_M)
    assert not solved(world)


@pytest.mark.parametrize("which", [0, 1])
def test_hand_must_be_clear_of_both_cubes(task: StackCubes, which: int) -> None:
    world = stacked(task)
    view = world.view(world.all_rows)
    cube, tips = view.site_position(task.cube_sites[which])[0], view.site_position(task.hand.tips)
    seen = []
    for gap in np.linspace(0.0, 0.03, 31):  # the longest finger points at the face from outside
        place = cube - [CUBE_HALF_SIZE_M + gap + 0.009, 0, 0]
        world.batch.bind("qpos")[0, task.hand.qpos[:3]] += place - tips[0, 2]
        world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)
        view = world.view(world.all_rows)
        tips = view.site_position(task.hand.tips)
        assert solved(world) is bool(task.clearance(view)[0] >= CLEAR_M)
        seen.append(solved(world))
    assert not seen[0]
    assert seen[-1]


def test_success_comes_after_exactly_hold_steps(task: StackCubes) -> None:
    world = stacked(task, 0.9 * OVER_TOLERANCE_M * SIDEWAYS)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_start_is_in_stated_ranges(task: StackCubes) -> None:
    low, high = np.array(AREA_M).T
    places = []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        poses = np.stack([start.qpos[a : a + 7] for a in task.cube_qpos])
        assert (poses[:, 2] == CUBE_HALF_SIZE_M).all()
        assert np.linalg.norm(poses[0, :2] - poses[1, :2]) >= APART_M
        assert (np.abs(yaw_of(poses[:, 3:])) <= CUBE_YAW_RAD).all()
        start.qpos[np.array(task.cube_qpos) + 2] += 1e-3  # off the table
        assert not task.touches(task.scratch, start.qpos)
        places.append(poses[:, :2])
    assert (np.array(places) >= low).all()
    assert (np.array(places) <= high).all()
    assert (np.ptp(places, axis=0) > 0.85 * (high - low)).all()


def test_expert_reaches_its_floor_gently_and_without_falling_back(task: StackCubes) -> None:
    run = drive(task, list(range(16)))
    assert sum(run.success) >= 15
    assert max(run.fall) < 0.05
    assert -0.003 < run.deepest < 0.0


def test_expert_stacks_again_a_cube_that_fell(task: StackCubes) -> None:
    aside = np.array([0.05, -0.13, 0.0])
    phases, success = phases_when_moved(begin(task), task.cube_qpos[0], aside)
    assert success
    assert PutDownPhase.APPROACH in phases[phases.index(PutDownPhase.RETREAT) :]
