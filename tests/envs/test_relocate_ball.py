"""RelocateBall: goal, balls of different sizes, and the expert's recovery."""

import numpy as np
import pytest

from envs.experts.carry import CarryPhase
from envs.registry import make_expert
from envs.tasks.relocate_ball import (
    GOAL_BOX_M,
    RADIUS_M,
    REACH_TOLERANCE_M,
    RelocateBall,
)
from envs.world import World
from tests.envs.expert_runs import begin, put


@pytest.fixture(scope="module")
def task() -> RelocateBall:
    return RelocateBall()


def test_reaches_accepts_any_leading_axes_and_goals_are_above_the_table(task: RelocateBall) -> None:
    world = begin(task)
    view = world.view(world.all_rows)
    achieved, desired = task.achieved_goal(view), task.desired_goal(view)
    np.testing.assert_array_equal(task.observe(view)["goal_offset"], desired - achieved)
    assert task.reaches(achieved[:, None] + np.zeros((1, 4, 3)), desired).shape == (1, 4)
    assert GOAL_BOX_M[2][0] > RADIUS_M[1] + REACH_TOLERANCE_M


def test_balls_have_the_radius_of_their_row(task: RelocateBall) -> None:
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


def test_restored_row_has_the_saved_radius(task: RelocateBall) -> None:
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


def test_expert_grasps_a_lost_ball_again(task: RelocateBall) -> None:
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
