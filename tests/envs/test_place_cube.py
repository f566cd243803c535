"""PlaceCube: its thresholds, its start distribution, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.put_down import PutDownPhase
from envs.rotations import yaw_of
from envs.tasks.cube_parts import (
    CLEAR_M,
    CUBE_HALF_SIZE_M,
    FLAT_M,
    STILL_M_PER_S,
    THUMB_TIP_RADIUS_M,
    tip_clearance,
)
from envs.tasks.place_cube import (
    APART_M,
    AREA_M,
    CUBE_YAW_RAD,
    HEIGHT_TOLERANCE_M,
    REACH_TOLERANCE_M,
    PlaceCube,
)
from envs.world import STATE_STAGE, World
from tests.envs.expert_runs import begin, drive, phases_when_moved, put

SIDEWAYS = np.array([0.6, 0.8, 0.0])
UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def task() -> PlaceCube:
    return PlaceCube()


def posed(task: PlaceCube, offset: np.ndarray, speed: float = 0.0) -> World:
    """One row with the hand far away and the cube `offset` [m] from its goal."""
    world = begin(task)
    world.batch.bind("qvel")[0, task.cube_dof] = speed
    put(world, task.cube_qpos, world.memory["goal"][0] + offset)
    return world


def solved(world: World) -> bool:
    return bool(world.task.score(world.view(world.all_rows)).solved[0])


@pytest.mark.parametrize(("part", "expected"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_thresholds(task: PlaceCube, part: float, expected: bool) -> None:
    assert solved(posed(task, part * REACH_TOLERANCE_M * SIDEWAYS)) is expected
    for sign in (-1, 1):
        assert solved(posed(task, sign * part * FLAT_M * UP)) is expected
        assert solved(posed(task, 0.0 * UP, sign * part * STILL_M_PER_S)) is expected


@pytest.mark.parametrize(("gap", "expected"), [(CLEAR_M + 1e-6, True), (CLEAR_M - 1e-6, False)])
def test_cube_counts_as_released_once_every_tip_is_clear(
    task: PlaceCube, gap: float, expected: bool
) -> None:
    world = posed(task, 0.0 * UP)
    view = world.view(world.all_rows)
    middle = view.site_position(task.hand.tips)[0, 2]
    # Before the cube's front face, the longest finger pointing away from it.
    face = world.memory["goal"][0] + (CUBE_HALF_SIZE_M + THUMB_TIP_RADIUS_M + gap) * np.array(
        [-1.0, 0.0, 0.0]
    )
    world.batch.bind("qpos")[0, task.hand.qpos[:3]] += face - middle
    world.batch.bind("qpos")[0, task.cube_qpos + 3 : task.cube_qpos + 7] = (1, 0, 0, 0)
    world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)
    view = world.view(world.all_rows)
    assert tip_clearance(task, view, task.cube_site)[0] == pytest.approx(gap, abs=1e-9)
    assert solved(world) is expected


def test_success_comes_after_exactly_hold_steps(task: PlaceCube) -> None:
    world = posed(task, 0.9 * REACH_TOLERANCE_M * SIDEWAYS)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_goal_is_reached_on_both_axes(task: PlaceCube) -> None:
    goal = np.array([0.03, -0.02, CUBE_HALF_SIZE_M])
    near, far = 0.999 * REACH_TOLERANCE_M * SIDEWAYS, 1.001 * REACH_TOLERANCE_M * SIDEWAYS
    low, high = 0.999 * HEIGHT_TOLERANCE_M * UP, 1.001 * HEIGHT_TOLERANCE_M * UP
    achieved = goal + np.array([[near, near + low, near - low], [far, high, near - high]])
    assert task.reaches(achieved, goal).tolist() == [[True] * 3, [False] * 3]
    view = begin(task).view(np.array([0]))
    offset = task.observe(view)["goal_offset"]
    np.testing.assert_array_equal(offset, task.desired_goal(view) - task.achieved_goal(view))


def test_start_is_in_stated_ranges(task: PlaceCube) -> None:
    low, high = np.array(AREA_M).T
    cubes, pads = [], []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        cube, pad = start.qpos[task.cube_qpos : task.cube_qpos + 7], start.memory["goal"]
        assert pad[2] == cube[2] == CUBE_HALF_SIZE_M
        assert np.linalg.norm(pad[:2] - cube[:2]) >= APART_M
        assert abs(yaw_of(cube[None, 3:])[0]) <= CUBE_YAW_RAD
        start.qpos[task.cube_qpos + 2] += 1e-3  # off the table
        assert not task.touches(task.scratch, start.qpos)
        cubes.append(cube[:2])
        pads.append(pad[:2])
    for drawn in (np.array(cubes), np.array(pads)):
        assert (drawn >= low).all()
        assert (drawn <= high).all()
        assert (np.ptp(drawn, axis=0) > 0.85 * (high - low)).all()
    marker = task.mocap({"goal": np.append(pads[0], CUBE_HALF_SIZE_M)[None]})
    np.testing.assert_array_equal(marker, np.append(pads[0], 0.0)[None, None])


def test_expert_reaches_its_floor_gently_and_without_falling_back(task: PlaceCube) -> None:
    run = drive(task, list(range(16)))
    assert all(run.success)
    assert max(run.fall) < 0.05
    assert -0.003 < run.deepest < 0.0


def test_expert_puts_a_cube_down_again_that_was_moved(task: PlaceCube) -> None:
    aside = 2 * REACH_TOLERANCE_M * SIDEWAYS
    phases, success = phases_when_moved(begin(task), task.cube_qpos, aside)
    assert success
    assert PutDownPhase.APPROACH in phases[phases.index(PutDownPhase.RETREAT) :]
