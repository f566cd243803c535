"""OpenDoor: progress, latch, pose of the frame, and the expert's recovery."""

import mujoco
import numpy as np
import pytest

from envs.experts.open_door import DoorPhase, OpenDoorExpert
from envs.tasks.door_parts import LATCH_RAD
from envs.tasks.open_door import FREE_RAD, OPEN_RAD, OpenDoor
from envs.world import STATE_STAGE, World


@pytest.fixture(scope="module")
def task() -> OpenDoor:
    return OpenDoor()


def posed(task: OpenDoor, door: float, lever: float = 0.0) -> World:
    """Return one row with the hand in its initial state and door and lever at angles [rad]."""
    world, row = World(task, 1), np.array([0])
    world.reset(row, np.array([3]))
    world.batch.bind("qpos")[0, [task.door_qpos, task.lever_qpos]] = door, lever
    world.batch.forward(ids=row, stage=STATE_STAGE)
    return world


def test_progress_counts_lever_until_the_door_is_free(task: OpenDoor) -> None:
    def progress(door: float, lever: float) -> float:
        world = posed(task, door, lever)
        return float(task.score(world.view(world.all_rows)).progress[0])

    shut = progress(0.0, 0.0)
    assert 0.0 <= shut < 0.2
    assert progress(0.0, LATCH_RAD / 2) > shut + 0.05
    assert progress(0.0, LATCH_RAD) == pytest.approx(progress(0.0, LATCH_RAD + 0.2), abs=0.02)
    assert progress(1.01 * FREE_RAD, 0.0) == progress(1.01 * FREE_RAD, LATCH_RAD)
    assert progress(OPEN_RAD, 0.0) == 1.0


def pull(task: OpenDoor, lever: float, torque_nm: float) -> tuple[float, float]:
    """Pull the door for a second with the lever held; return the door's and lever's angles."""
    data = mujoco.MjData(task.model)
    mujoco.mj_copyData(data, task.model, posed(task, 0.0, lever).batch.get_data(0))
    data.ctrl[:] = data.qpos[task.hand.qpos]
    largest = 0.0
    for _ in range(250):
        data.qfrc_applied[task.door_dof] = torque_nm
        gap = lever + 0.15 - data.qpos[task.lever_qpos]  # 0.15 rad against the spring
        data.qfrc_applied[task.lever_dof] = 3.0 * gap - 0.05 * data.qvel[task.lever_dof]
        mujoco.mj_step(task.model, data)
        largest = max(largest, float(data.qpos[task.door_qpos]))
    return largest, float(data.qpos[task.lever_qpos])


@pytest.mark.parametrize("torque_nm", [1.0, 8.0])  # the wrist's servos give at most 8
@pytest.mark.parametrize("lever", [0.0, LATCH_RAD - 0.15])
def test_tongue_holds_the_door(task: OpenDoor, lever: float, torque_nm: float) -> None:
    assert pull(task, lever, torque_nm)[0] < 0.02


def test_door_opens_once_the_lever_is_past_the_latch(task: OpenDoor) -> None:
    angle, lever = pull(task, LATCH_RAD + 0.05, 1.0)
    assert lever > LATCH_RAD
    assert angle > 0.5


def test_released_lever_springs_back_and_the_door_does_not_move(task: OpenDoor) -> None:
    world = posed(task, 0.6, 0.6)
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(20):
        world.step(world.all_rows, action)
    view = world.view(world.all_rows)
    assert abs(task.lever_angle(view)[0]) < 0.02
    assert task.door_angle(view)[0] == pytest.approx(0.6, abs=0.02)


def test_frame_has_the_pose_in_memory(task: OpenDoor) -> None:
    world = World(task, 20)
    world.reset(world.all_rows, world.all_rows)
    frame = world.memory["frame"]
    assert np.array_equal(world.batch.bind("mocap_pos")[:, 0], frame[:, :3])
    assert np.array_equal(world.batch.bind("mocap_quat")[:, 0], frame[:, 3:])
    grips = world.view(world.all_rows).site_position(task.grip_site)
    assert np.ptp(grips, axis=0).min() > 0.05


def drive(task: OpenDoor, seeds: np.ndarray, slip_at: int) -> tuple[np.ndarray, set[int]]:
    """Run the expert; return the success of each episode and the phases after the slip."""
    world = World(task, len(seeds))
    expert, rows = OpenDoorExpert(world), world.all_rows
    world.reset(rows, seeds)
    expert.reset(rows, seeds)
    success, seen = np.zeros(len(seeds), dtype=np.bool_), set()
    for step in range(task.horizon):
        if step == slip_at:  # the hand loses the grip: 8 cm back, fingers half open
            qpos = world.batch.bind("qpos")
            qpos[rows, task.hand.qpos[0]] -= 0.08
            qpos[np.ix_(rows, task.hand.qpos[6:])] *= 0.5
            world.batch.forward(ids=rows, stage=STATE_STAGE)
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        success[rows] = outcome.success
        if step >= slip_at:
            seen |= set(expert.phase[rows].tolist())
        distances = world.batch.get_data(int(rows[0])).contact.dist
        assert (np.atleast_1d(distances) > -0.003).all()
        rows = rows[~(outcome.terminated | outcome.truncated)]
        if not len(rows):
            break
    return success, seen


def test_expert_restarts_when_the_grip_slips(task: OpenDoor) -> None:
    success, seen = drive(task, np.arange(12), slip_at=40)
    assert {DoorPhase.BACK_OFF, DoorPhase.APPROACH, DoorPhase.HOOK} <= seen
    assert success.sum() >= 11
