"""RelocateBall: its threshold, its balls of every size, its start distribution, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.carry import CarryPhase
from envs.registry import make_expert
from envs.tasks.relocate_ball import (
    BALL_AREA_M,
    GOAL_BOX_M,
    RADIUS_M,
    REACH_TOLERANCE_M,
    RelocateBall,
)
from envs.world import World
from tests.envs.expert_runs import begin, drive, put

DIRECTION = np.array([0.48, -0.64, 0.6])


@pytest.fixture(scope="module")
def task() -> RelocateBall:
    return RelocateBall()


@pytest.mark.parametrize(("part", "expected"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(task: RelocateBall, part: float, expected: bool) -> None:
    world = begin(task)
    put(world, task.ball_qpos, world.memory["goal"][0] + part * REACH_TOLERANCE_M * DIRECTION)
    view = world.view(world.all_rows)
    assert task.score(view).solved.tolist() == [expected]
    achieved, desired = task.achieved_goal(view), task.desired_goal(view)
    assert task.reaches(achieved, desired).tolist() == [expected]
    np.testing.assert_array_equal(task.observe(view)["goal_offset"], desired - achieved)
    assert task.reaches(achieved[:, None] + np.zeros((1, 4, 3)), desired).shape == (1, 4)


def test_success_comes_after_exactly_hold_steps(task: RelocateBall) -> None:
    world, flags = begin(task), []
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(task.hold_steps):
        put(world, task.ball_qpos, world.memory["goal"][0])
        world.batch.bind("qvel")[0, task.ball_dof : task.ball_dof + 6] = 0.0
        flags.append(bool(world.step(world.all_rows, action).success[0]))
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_every_row_has_a_ball_of_its_own_radius(task: RelocateBall) -> None:
    world = World(task, 12, 1)
    rows = world.all_rows
    world.reset(rows, np.arange(12))
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(15):
        world.step(rows, action)
    view = world.view(rows)
    radius, height = view.memory("radius")[:, 0], task.achieved_goal(view)[:, 2]
    assert np.ptp(radius) > 0.5 * np.ptp(RADIUS_M)
    np.testing.assert_allclose(height, radius, atol=2e-4)
    np.testing.assert_allclose(view.qvel[:, task.ball_dof : task.ball_dof + 3], 0.0, atol=1e-4)
    np.testing.assert_array_equal(task.observe(view)["ball_radius"][:, 0], radius)


def test_restored_row_takes_the_radius_with_it(task: RelocateBall) -> None:
    world = World(task, 2, 1)
    world.reset(world.all_rows, np.array([1, 2]))
    radii = world.model_fields["geom_size"][:, task.ball_geom, 0].copy()
    assert radii[0] != radii[1]
    np.testing.assert_array_equal(radii, world.memory["radius"][:, 0])
    world.restore(1, world.save(0))
    assert world.model_fields["geom_size"][:, task.ball_geom, 0].tolist() == [radii[0]] * 2
    world.reset(np.array([0]), np.array([2]))
    assert world.model_fields["geom_size"][:, task.ball_geom, 0].tolist() == radii[::-1].tolist()
    others = np.arange(task.model.ngeom) != task.ball_geom
    for sizes in world.model_fields["geom_size"]:
        np.testing.assert_array_equal(sizes[others], task.model.geom_size[others])


def test_largest_ball_is_the_compiled_one(task: RelocateBall) -> None:
    fields = task.model_values({"radius": np.array([[RADIUS_M[1]], [RADIUS_M[0]]])})
    assert tuple(fields) == task.model_fields
    for name, (index, values) in fields.items():
        np.testing.assert_allclose(values[0], getattr(task.model, name)[index], rtol=1e-12)
    moments = fields["body_inertia"][1][:, 0]
    assert moments[1] == pytest.approx(moments[0] * (RADIUS_M[0] / RADIUS_M[1]) ** 2)


def test_nudged_ball_comes_to_rest(task: RelocateBall) -> None:
    world = begin(task)
    action = task.action(world.batch.bind("ctrl"))
    world.batch.bind("qvel")[0, task.ball_dof] = 0.1
    start = task.achieved_goal(world.view(world.all_rows))[0, 0]
    for _ in range(75):
        world.step(world.all_rows, action)
    view = world.view(world.all_rows)
    assert np.abs(view.qvel[0, task.ball_dof : task.ball_dof + 3]).max() < 0.005
    assert 0.01 < task.achieved_goal(view)[0, 0] - start < 0.10


def test_start_is_in_stated_ranges_and_touches_nothing(task: RelocateBall) -> None:
    drawn = []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        ball, radius = start.qpos[task.ball_qpos : task.ball_qpos + 3], start.memory["radius"]
        assert ball[2] == radius[0]
        drawn.append(np.concatenate([ball[:2], start.memory["goal"], radius]))
        start.qpos[task.ball_qpos + 2] = RADIUS_M[1] + 1e-3  # the largest ball, off the table
        assert not task.touches(task.scratch, start.qpos)
    low, high = np.array([*BALL_AREA_M, *GOAL_BOX_M, RADIUS_M]).T
    assert (np.array(drawn) >= low).all()
    assert (np.array(drawn) <= high).all()
    assert (np.ptp(drawn, axis=0) > 0.85 * (high - low)).all()
    assert GOAL_BOX_M[2][0] > RADIUS_M[1] + REACH_TOLERANCE_M  # no goal is reached on the table


def test_expert_reaches_its_floor_gently_and_without_falling_back(task: RelocateBall) -> None:
    run = drive(task, list(range(16)))
    assert all(run.success)
    assert max(run.fall) < 0.05
    assert -0.003 < run.deepest < 0.0


def test_expert_grasps_again_a_ball_that_it_lost(task: RelocateBall) -> None:
    world = begin(task)
    expert, rows, seen = make_expert(world), world.all_rows, []
    expert.reset(rows, world.episode_seeds)
    is_over = False
    while not is_over:
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        is_over = bool(outcome.terminated[0] or outcome.truncated[0])
        seen.append(int(expert.phase[0]))
        if seen.count(CarryPhase.CARRY) == 3 and seen[-1] == CarryPhase.CARRY:
            put(world, task.ball_qpos, np.array([0.05, 0.05, world.memory["radius"][0, 0]]))
    assert outcome.success[0]
    assert CarryPhase.APPROACH in seen[seen.index(CarryPhase.CARRY) :]
