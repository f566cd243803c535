"""TurnEither: its threshold either way, its modes, its goals, its expert."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.turn_either import TurnEitherExpert
from envs.task import NO_MODE
from envs.tasks.dial_parts import DIAL_M, directions
from envs.tasks.turn_either import DECIDED_RAD, TOLERANCE_RAD, TurnEither
from envs.world import STATE_STAGE, World

ROW = np.array([0])
CLOCKWISE, COUNTERCLOCKWISE = range(2)


@pytest.fixture(scope="module")
def task() -> TurnEither:
    return TurnEither()


def turned_by(task: TurnEither, turn: float) -> World:
    """One row with an open hand at rest and the dial turned by `turn` [rad] since the start."""
    world = World(task, 1, 1)
    world.reset(ROW, np.array([3]))
    world.batch.bind("qpos")[0, task.dial_qpos] += turn
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    return world


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("part", "is_solved"), [(0.999, True), (1.001, False)])
def test_solved_fires_exactly_at_tolerance(
    task: TurnEither, way: int, side: int, part: float, is_solved: bool
) -> None:
    world = turned_by(task, way * np.pi + side * part * TOLERANCE_RAD)
    score = task.score(world.view(ROW))
    assert score.solved.tolist() == [is_solved]
    assert score.progress[0] > 0.99
    assert not score.failed[0]


def test_success_comes_after_exactly_hold_steps(task: TurnEither) -> None:
    world = turned_by(task, -np.pi)
    action = task.action(world.batch.bind("ctrl"))
    flags = [bool(world.step(ROW, action).success[0]) for _ in range(task.hold_steps)]
    assert flags == [False] * (task.hold_steps - 1) + [True]


@pytest.mark.parametrize(
    ("turn", "mode"),
    [
        (0.0, NO_MODE),
        (0.999 * DECIDED_RAD, NO_MODE),
        (-0.999 * DECIDED_RAD, NO_MODE),
        (1.001 * DECIDED_RAD, COUNTERCLOCKWISE),
        (-1.001 * DECIDED_RAD, CLOCKWISE),
        (np.pi + 0.05, COUNTERCLOCKWISE),  # past the goal is still the same way
        (-np.pi - 0.05, CLOCKWISE),
        (3 * np.pi, COUNTERCLOCKWISE),
    ],
)
def test_mode_is_the_way_of_the_net_turn(task: TurnEither, turn: float, mode: int) -> None:
    assert task.score(turned_by(task, turn).view(ROW)).mode.tolist() == [mode]


@pytest.mark.parametrize("way", [-1, 1])
def test_progress_rises_evenly_either_way(task: TurnEither, way: int) -> None:
    turns = way * np.linspace(0.0, np.pi - TOLERANCE_RAD, 5)
    seen = [task.score(turned_by(task, turn).view(ROW)).progress[0] for turn in turns]
    np.testing.assert_allclose(seen, [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-9)


def test_goal_is_the_opposite_direction(task: TurnEither) -> None:
    world = turned_by(task, 0.7)
    view = world.view(ROW)
    start = view.memory("start")[:, 0]
    np.testing.assert_allclose(task.achieved_goal(view), directions(start + 0.7))
    np.testing.assert_allclose(task.desired_goal(view), directions(start + np.pi), atol=1e-12)
    offset = task.mocap(world.memory)[:, 0, :2] - DIAL_M[:2]
    np.testing.assert_allclose(offset / np.linalg.norm(offset), task.desired_goal(view))


def test_reaches_takes_any_leading_shape_and_whole_turns(task: TurnEither) -> None:
    angles = np.array([[0.0, 0.09, 0.11], [2 * np.pi, -0.09, np.pi]])
    achieved = directions(angles.ravel()).reshape(2, 3, 2)
    expected = [[True, True, False], [True, True, False]]
    assert task.reaches(achieved, np.array([1.0, 0.0])).tolist() == expected
    assert task.reaches(achieved[0, 1], np.array([1.0, 0.0])).shape == ()


def test_start_draws_any_angle(task: TurnEither) -> None:
    angles = []
    for seed in range(100):
        start = task.draw_start(episode_generator(task, seed, "start"))
        assert not task.touches(task.scratch, start.qpos)
        angles.append(start.qpos[task.dial_qpos])
        assert start.memory["start"].tolist() == [angles[-1]]
    assert np.abs(angles).max() <= np.pi
    assert np.ptp(angles) > 5.5


def test_expert_turns_its_way_and_progress_never_falls(task: TurnEither) -> None:
    world = World(task, 16, 1)
    expert, rows = TurnEitherExpert(world), world.all_rows
    world.reset(rows, rows)
    expert.reset(rows, rows)
    best, deepest, modes = np.zeros(16), 0.0, np.full(16, NO_MODE)
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        assert (outcome.progress >= best[rows] - 0.05).all()
        best[rows] = np.maximum(best[rows], outcome.progress)
        contacts = world.batch.get_data(int(rows[0])).contact
        deepest = min([deepest, *np.atleast_1d(contacts.dist).tolist()])
        modes[rows[outcome.success]] = outcome.mode[outcome.success]
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert modes.tolist() == expert.mode.tolist()
    assert -0.003 < deepest < 0.0
