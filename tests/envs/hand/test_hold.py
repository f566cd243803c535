"""How described hands hold: level, along x, and where the fmbench hand grasps."""

from pathlib import Path

import numpy as np
import pytest

from envs.arrays import FloatArray
from envs.experts.grasp import GRASP_POINT_M, grasped_point
from envs.experts.on_hand.carry import CarryOnHandExpert, straight_step
from envs.experts.on_hand.grasp import GIVE, PRESS_N, ball_grasps_of, cube_grasp_of
from envs.hand.catalogue import find_hand
from envs.hand.hold import hold_of
from envs.hand.loading import load_hand
from envs.hand.reach import fingertips, solve_fingertips
from envs.on_hands import task_on_hand
from envs.registry import make_expert, make_task
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M, MOUNT_HEIGHT_M
from envs.tasks.on_hand.wrist import HOLD_M, WRIST, WristTaskOnHand
from envs.world import World
from tests.envs.hand.described import claw, every_hand, every_real_hand


def world_with(name: str, rows: int = 1) -> tuple[World, WristTaskOnHand]:
    """Return a world of LiftCube on a hand after a reset, and its task."""
    task = make_task(task_on_hand("LiftCube", name))
    assert isinstance(task, WristTaskOnHand)
    world = World(task, rows, 1)
    world.reset(world.all_rows, np.arange(rows))
    return world, task


@every_hand
def test_the_pitched_hold_is_level_and_its_point_lies_between_the_tips(name: str) -> None:
    hand = find_hand(name)
    hold = hold_of(hand)
    assert hold.at_yaw(-hold.heading) @ hold.axes == pytest.approx(np.eye(3), abs=1e-12)
    tips = dict(zip(hand.fingers, fingertips(hand, load_hand(hand).pregrasp), strict=True))
    thumb, *others = (tips[finger] - hold.point for finger in (hold.thumb, *hold.others))
    assert thumb == pytest.approx(-np.mean(others, axis=0), abs=1e-12)
    assert thumb @ hold.axes[:, 1:] == pytest.approx(0.0, abs=1e-12)
    assert [tip @ hold.axes[:, 1] for tip in others] == pytest.approx(hold.aside.tolist())


@every_real_hand
def test_a_wrist_at_zero_holds_where_the_fmbench_hand_grasps(name: str) -> None:
    world, task = world_with(name)
    height = np.array([0.0, 0.0, MOUNT_HEIGHT_M])
    assert pytest.approx(GRASP_POINT_M + height, abs=1e-12) == HOLD_M
    posture = np.append(
        [0.0, 0.0, 0.0, -task.hold.heading, task.hold.pitch, 0.0], task.loaded.neutral
    )
    world.batch.bind("qpos")[0] = task.hand_qpos(posture)
    world.batch.forward(ids=world.all_rows)
    view = world.view(world.all_rows)
    axes = view.site_matrix(task.hand.palm)[0]
    point = view.site_position(task.hand.palm)[0] + axes @ task.hold.point
    assert point == pytest.approx(HOLD_M, abs=1e-9)
    assert axes @ task.hold.axes == pytest.approx(np.eye(3), abs=1e-9)


@every_real_hand
def test_an_expert_steers_the_hold_point_to_where_it_is_told(name: str) -> None:
    world, task = world_with(name)
    expert, rows = make_expert(world), world.all_rows
    assert isinstance(expert, CarryOnHandExpert)
    expert.reset(rows, np.array([0]))
    palm, yaw = np.array([[0.03, -0.04, 0.15]]), np.array([0.4])
    slides = palm - [0.0, 0.0, MOUNT_HEIGHT_M]
    for _ in range(80):
        command = expert.steer(rows, world.view(rows), slides, yaw, task.loaded.pregrasp)
        world.step(rows, task.action(command).astype(np.float32))
    reached, heading = expert._palm_pose(world.view(rows))
    assert reached == pytest.approx(palm, abs=2e-3)
    assert heading == pytest.approx(yaw, abs=5e-3)
    point = grasped_point(reached, heading)[0]
    view = world.view(rows)
    middle = view.site_position(task.hand.palm)[0]
    assert point == pytest.approx(middle + view.site_matrix(task.hand.palm)[0] @ task.hold.point)


def gaps(name: str, posture: FloatArray, size_m: float) -> list[float]:
    """Return the gap of each holding tip to a cube of half that size, or to a ball's side [m]."""
    hand = find_hand(name)
    hold, tips = hold_of(hand), dict(zip(hand.fingers, fingertips(hand, posture), strict=True))
    return [
        abs((tips[finger] - hold.point) @ hold.axes[:, 0]) - hand.fingers[finger].radius_m - size_m
        for finger in (hold.thumb, *hold.others)
    ]


@every_hand
def test_a_grasp_opens_around_opposite_faces_and_would_close_inside_the_cube(name: str) -> None:
    grasp = cube_grasp_of(find_hand(name), CUBE_HALF_SIZE_M)
    assert min(gaps(name, grasp.open, CUBE_HALF_SIZE_M)) > 0.010
    assert max(gaps(name, grasp.open, CUBE_HALF_SIZE_M)) < 0.021
    alone = grasp.squeeze / (1.0 - GIVE)  # where targets that follow the fingers end
    assert max(gaps(name, alone, CUBE_HALF_SIZE_M)) < -0.0005


@every_real_hand
def test_fingers_press_a_touched_ball_with_the_stated_force(name: str) -> None:
    hand, radius = find_hand(name), 0.03
    loaded, hold = load_hand(hand), hold_of(hand)
    grasp = ball_grasps_of(hand, (radius, 0.04))
    places = {hold.thumb: -hold.axes[:, 0] * (radius + hand.fingers[hold.thumb].radius_m)}
    thumb = hold.point + places[hold.thumb]
    touch, _ = solve_fingertips(hand, {hold.thumb: thumb}, loaded.pregrasp)
    columns = loaded.columns[hold.thumb]
    torque = (grasp.squeeze[0] + (GIVE - 1.0) * touch)[columns] * loaded.controls.stiffness[columns]
    nearby = [touch + 1e-6 * np.eye(len(touch))[column] for column in columns]
    first = list(hand.fingers).index(hold.thumb)
    moved = [(fingertips(hand, row)[first] - thumb) / 1e-6 for row in nearby]
    start = (fingertips(hand, touch)[first] - thumb) / 1e-6
    assert torque == pytest.approx(
        (np.array(moved) - start) @ hold.axes[:, 0] * PRESS_N, abs=0.02 * PRESS_N
    )


@every_real_hand
def test_only_a_hand_that_is_heavy_for_the_wrist_is_braked(name: str) -> None:
    world, _ = world_with(name)
    expert = make_expert(world)
    assert isinstance(expert, CarryOnHandExpert)
    is_heavy = name == "shadow"  # with its forearm
    assert bool((expert._brake_s[:3] > 0.01).all()) == is_heavy
    assert (expert._brake_s >= 0.0).all()


def test_a_step_is_straight_and_limited() -> None:
    present, target = np.zeros((2, 2)), np.array([[0.3, -0.1], [0.02, 0.01]])
    assert straight_step(present, target, np.full((2, 1), 0.1)) == pytest.approx(
        np.array([[0.1, -0.1 / 3], [0.02, 0.01]])
    )


def test_a_hand_that_does_not_hold_a_cube_says_which_finger(tmp_path: Path) -> None:
    hand = claw(tmp_path)
    with pytest.raises(
        ValueError,
        match=r"a cube of 5 cm does not fit .*: hand claw: \w+ does not reach .* mm remain",
    ):
        cube_grasp_of(hand, CUBE_HALF_SIZE_M)


@every_real_hand
def test_actions_are_the_wrist_and_then_the_servos(name: str) -> None:
    world, task = world_with(name, rows=4)
    assert task.action_names[:WRIST] == (
        "wrist_x", "wrist_y", "wrist_z", "wrist_yaw", "wrist_pitch", "wrist_roll",
    )  # fmt: skip
    assert task.action_names[WRIST:] == task.loaded.names
    view = world.view(world.all_rows)
    measured = task.measured(view)
    assert measured[:, WRIST:] == pytest.approx(np.tile(task.loaded.pregrasp, (4, 1)), abs=1e-9)
    actions = task.action(task.resting_command(view)).astype(np.float32)
    for _ in range(10):
        world.step(world.all_rows, actions)
    assert task.measured(world.view(world.all_rows)) == pytest.approx(measured, abs=0.01)
