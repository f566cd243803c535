"""RotateCube: failures, progress, hand frame, and the expert's lanes."""

import numpy as np
import pytest

from envs.experts.rotate_cube import (
    GRID_M,
    LANE_M,
    TIP_HEIGHT_M,
    TIP_RADIUS_M,
    lane_table,
    outline,
)
from envs.hand.hand import PALM_HALF_SIZE_M
from envs.tasks.palm_up_parts import CUBE_HALF_SIZE_M
from envs.tasks.rotate_cube import (
    DROP_RADIUS_M,
    START_RAD,
    START_X_M,
    TURNED_OVER_RAD,
    RotateCube,
)
from envs.world import STATE_STAGE, World
from tests.envs.hand_tips import fingertips


@pytest.fixture(scope="module")
def task() -> RotateCube:
    return RotateCube()


def posed(
    task: RotateCube,
    remaining: float = 1.0,
    place: tuple[float, float, float] = (START_X_M, 0.0, CUBE_HALF_SIZE_M + 0.001),
    lean: float = 0.0,
) -> World:
    """Return one row with the cube `remaining` [rad] short of its goal, at `place` [m], tilted."""
    world, row = World(task, 1), np.array([0])
    world.reset(row, np.array([3]))
    yaw = world.memory["goal"][0, 0] - remaining
    leaning = np.array([np.cos(lean / 2), np.sin(lean / 2), 0.0, 0.0])  # about the cube's x axis
    w, x, y, z = task.cube_quaternion(yaw)
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    qpos, address = world.batch.bind("qpos"), task.cube_qpos
    qpos[0, address : address + 3] = task.hand_origin + task.hand_axes @ np.array(place)
    qpos[0, address + 3 : address + 7] = left @ leaning
    world.batch.forward(ids=row, stage=STATE_STAGE)
    return world


def score(task: RotateCube, world: World):
    return task.score(world.view(world.all_rows))


def test_cube_that_left_the_hand_or_turned_over_is_lost(task: RotateCube) -> None:
    def is_lost(world: World) -> bool:
        judged = score(task, world)
        assert judged.failed[0] == (judged.reward_terms["failure"][0] == -1.0)
        return bool(judged.failed[0])

    for part, expected in ((0.99, False), (1.01, True)):
        assert is_lost(posed(task, lean=part * TURNED_OVER_RAD)) == expected
        assert is_lost(posed(task, place=(0.0, -part * DROP_RADIUS_M, 0.03))) == expected
    assert not is_lost(posed(task, place=(0.0, 0.0, 0.001)))
    assert is_lost(posed(task, 0.0, place=(0.0, 0.0, -0.001)))


def test_dropping_ends_the_episode(task: RotateCube) -> None:
    world = posed(task, place=(0.06, 0.07, 0.10))
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(40):
        outcome = world.step(world.all_rows, action)
        if outcome.terminated[0]:
            break
    assert outcome.failed.tolist() == outcome.terminated.tolist() == [True]
    assert outcome.progress[0] == 0.0


def test_progress_is_the_largest_share_so_far(task: RotateCube) -> None:
    world = posed(task, 0.0)
    turn = world.memory["turn"][0, 0]
    view = world.view(world.all_rows)
    assert task.turned(view)[0] == 1.0
    world.memory["best"][:] = task.update_memory(view)["best"]
    assert score(task, world).progress[0] == 1.0
    away = posed(task, turn)
    assert task.turned(away.view(away.all_rows))[0] == pytest.approx(0.0)
    away.memory["best"][:] = 0.4
    assert task.update_memory(away.view(away.all_rows))["best"][0, 0] == 0.4
    assert score(task, away).progress[0] == 0.4


def test_velocity_is_observed_in_the_hand_frame(task: RotateCube) -> None:
    world = posed(task, 0.7)
    qvel, dof = world.batch.bind("qvel"), task.cube_dof
    qvel[0, dof : dof + 3] = task.hand_axes @ np.array([0.1, 0.2, 0.3])
    qvel[0, dof + 3 : dof + 6] = (0.0, 0.0, 2.0)  # about the cube's own axis, the palm's normal
    seen = task.observe(world.view(world.all_rows))
    np.testing.assert_allclose(seen["cube_velocity"][0], [0.1, 0.2, 0.3, 0, 0, 2.0], atol=1e-9)
    place = [START_X_M, 0.0, CUBE_HALF_SIZE_M + 0.001]
    np.testing.assert_allclose(seen["cube_position"][0], place, atol=1e-9)


def test_marker_shows_a_cube_at_the_goal(task: RotateCube) -> None:
    world = World(task, 20)
    world.reset(world.all_rows, world.all_rows)
    shown = task.mocap(world.memory)[:, 0, 3:]
    expected = [task.cube_quaternion(goal) for goal in world.memory["goal"][:, 0]]
    np.testing.assert_allclose(shown, expected)


def test_outline_is_the_contact_of_a_tip_and_arms_have_the_sign_of_the_turn() -> None:
    rng = np.random.default_rng(0)
    yaw, centre = rng.uniform(-4, 4, 200), rng.uniform(-0.004, 0.004, (200, 2))
    front, arm = outline(yaw, centre)
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y = front - centre[:, :1], LANE_M - centre[:, 1:]
    local = np.stack([c * x + s * y, c * y - s * x], axis=2)  # tips in the cube's frame
    gap = local - np.clip(local, -CUBE_HALF_SIZE_M, CUBE_HALF_SIZE_M)
    np.testing.assert_allclose(np.sqrt((gap**2).sum(axis=2)), TIP_RADIUS_M, atol=1e-9)
    contact, normal = local - gap, gap / TIP_RADIUS_M
    torque = contact[..., 1] * normal[..., 0] - contact[..., 0] * normal[..., 1]
    np.testing.assert_allclose(arm, torque, atol=1e-9)
    front, arm = outline(np.zeros(1), np.array([[0.02, 0.05]]))  # two lanes miss this cube
    assert front[0, :2].tolist() == [0.02, 0.02]
    assert arm[0, :2].tolist() == [0.0, 0.0]


def test_lanes_put_tips_at_their_positions() -> None:
    for k in (3, 13, 23):
        tips = fingertips(lane_table()[k])[1:]
        np.testing.assert_allclose(tips[:, 0], GRID_M[k], atol=0.002)
        np.testing.assert_allclose(tips[:, 1], -LANE_M, atol=0.002)
        np.testing.assert_allclose(tips[:, 2], TIP_HEIGHT_M, atol=0.002)
    assert -TIP_HEIGHT_M - PALM_HALF_SIZE_M[2] < 2 * CUBE_HALF_SIZE_M
    np.testing.assert_array_equal(lane_table()[:, :4], np.tile(START_RAD[:4], (len(GRID_M), 1)))
