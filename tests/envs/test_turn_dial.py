"""TurnDial: its threshold, its start distribution, its expert."""

import mujoco
import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.dial_gait import DialPhase
from envs.experts.turn_dial import TurnDialExpert
from envs.tasks.dial_parts import DIAL_M, KNOB_RADIUS_M, START_JITTER_RAD, START_RAD
from envs.tasks.turn_dial import TOLERANCE_RAD, TURN_RAD, TurnDial
from envs.world import STATE_STAGE, World


@pytest.fixture(scope="module")
def task() -> TurnDial:
    return TurnDial()


def world_with_remaining(task: TurnDial, remaining: float) -> World:
    """One row with an open hand at rest and the dial `remaining` [rad] short of its goal."""
    world, row = World(task, 1), np.array([0])
    world.reset(row, np.array([3]))
    world.batch.bind("qpos")[0, task.dial_qpos] = world.memory["goal"][0, 0] - remaining
    world.batch.forward(ids=row, stage=STATE_STAGE)
    return world


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("part", "is_solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: TurnDial, sign: int, part: float, is_solved: bool
) -> None:
    world = world_with_remaining(task, sign * part * TOLERANCE_RAD)
    score = task.score(world.view(world.all_rows))
    assert score.solved.tolist() == [is_solved]
    assert score.progress[0] > 0.99


def test_success_comes_after_exactly_hold_steps(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.999 * TOLERANCE_RAD)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(world.all_rows, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


def test_dial_stays_where_it_is_left(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.5)
    action = task.action(world.batch.bind("ctrl"))
    for _ in range(20):
        world.step(world.all_rows, action)
    assert task.remaining(world.view(world.all_rows))[0] == pytest.approx(0.5, abs=1e-3)


def test_progress_runs_from_zero_to_one(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.0)
    view = world.view(world.all_rows)
    turn = float(view.memory("turn")[0, 0])
    assert task.score(view).progress[0] == 1.0
    world = world_with_remaining(task, turn)
    assert task.score(world.view(world.all_rows)).progress[0] == pytest.approx(0.0)


def test_start_is_in_stated_ranges_and_touches_nothing(task: TurnDial) -> None:
    data = mujoco.MjData(task.model)
    angles, turns = [], []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        data.qpos = start.qpos
        mujoco.mj_forward(task.model, data)
        assert data.ncon == 0
        assert np.abs(start.qpos[task.hand.qpos] - START_RAD).max() <= START_JITTER_RAD + 1e-12
        angles.append(start.qpos[task.dial_qpos])
        turns.append(start.memory["turn"][0])
        assert start.memory["goal"][0] == pytest.approx(angles[-1] + turns[-1])
    assert np.abs(angles).max() <= np.pi
    assert np.ptp(angles) > 5.5
    assert TURN_RAD[0] <= np.abs(turns).min() < 0.5
    assert 1.4 < np.abs(turns).max() <= TURN_RAD[1]
    assert 30 < (np.array(turns) > 0).sum() < 70


def test_marker_stands_at_the_goal_angle(task: TurnDial) -> None:
    goal = np.array([[0.3], [-2.0], [4.0]])
    offset = task.mocap({"goal": goal})[:, 0] - DIAL_M
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * goal[:, 0]), atol=1e-9)
    assert (np.hypot(offset[:, 0], offset[:, 1]) > KNOB_RADIUS_M).all()


def drive(task: TurnDial, seeds: list[int]) -> tuple[list[bool], list[int], float]:
    """Run the expert side by side; return success and length of each, and the deepest contact."""
    world = World(task, len(seeds))
    expert, rows = TurnDialExpert(world), world.all_rows
    world.reset(rows, np.array(seeds))
    expert.reset(rows, np.array(seeds))
    success, deepest = np.zeros(len(seeds), dtype=np.bool_), 0.0
    while len(rows):
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        success[rows] = outcome.success
        contacts = world.batch.get_data(int(rows[0])).contact
        deepest = min([deepest, *np.atleast_1d(contacts.dist).tolist()])
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return success.tolist(), world.step_count.tolist(), deepest


def test_expert_reaches_its_floor_without_deep_contact(task: TurnDial) -> None:
    success, _, deepest = drive(task, list(range(20)))
    assert sum(success) >= 19
    assert -0.003 < deepest < 0.0


def test_expert_does_not_depend_on_batch_size(task: TurnDial) -> None:
    seeds = [5, 0, 11]
    together = drive(task, seeds)
    alone = [drive(task, [seed]) for seed in seeds]
    assert together[:2] == ([s[0] for s, _, _ in alone], [n[0] for _, n, _ in alone])


def test_expert_grasps_again_when_the_dial_slips(task: TurnDial) -> None:
    world = world_with_remaining(task, 0.5)
    expert, rows = TurnDialExpert(world), world.all_rows
    expert.reset(rows, np.array([3]))
    expert.phase[:] = DialPhase.OPEN
    seen = []
    for _ in range(3):
        actions, _ = expert.act(rows, world.observe(rows))
        world.step(rows, actions[:, 0])
        seen.append(expert.phase[0])
    assert seen[0] == DialPhase.OPEN
    assert DialPhase.PLACE in seen
