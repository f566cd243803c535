"""The right action of the right chunk is executed, for every delay and horizon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.registry import make_task
from envs.world import World
from fmbench.harness.chunks import Chunks, Delay
from fmbench.harness.rollout import rollout

START = (-1.0, -1.0)


def expected(exec_horizon: int, delay: int, length: int, steps: int) -> list[tuple[int, int]]:
    """Return decision and index of the action of every control step, from the definition alone."""
    interval = max(exec_horizon, delay)
    found = []
    for step in range(steps):
        arrived = [j for j in range(steps) if j * interval + delay <= step]
        if arrived:
            found.append((arrived[-1], min(step - arrived[-1] * interval, length - 1)))
        else:
            found.append((-1, -1))
    return found


@st.composite
def designs(draw: st.DrawFn) -> tuple[int, int, int]:
    exec_horizon = draw(st.integers(1, 9))
    length = draw(st.integers(exec_horizon, 18))
    return exec_horizon, draw(st.integers(0, 24)), length


@settings(max_examples=150, deadline=None)
@given(design=designs(), shift=st.integers(0, 3))
def test_every_step_executes_the_action_of_the_definition(
    design: tuple[int, int, int], shift: int
) -> None:
    exec_horizon, delay, length = design
    steps, rows = 60, np.arange(2)
    chunks = Chunks(2, exec_horizon, Delay(delay, length), 2)
    executed: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    decisions = [0, 0]
    for step in range(steps + shift):
        for row in (0, 1):
            if step == shift * row:  # the second row begins later
                chunks.begin(rows[row : row + 1], np.array([START]))
        active = rows[: 2 if step >= shift else 1]
        for row in chunks.due(active).tolist():
            index = np.arange(length, dtype=np.float32)
            chunk = np.stack([np.full_like(index, decisions[row]), index], axis=1)
            chunks.decide(rows[row : row + 1], chunk[None])
            decisions[row] += 1
        for row, action in zip(active.tolist(), chunks.advance(active).tolist(), strict=True):
            executed[row].append((int(action[0]), int(action[1])))
    for row in (0, 1):
        assert executed[row][:steps] == expected(exec_horizon, delay, length, steps)


@pytest.mark.parametrize(
    ("exec_horizon", "delay", "length", "jump"),
    [
        (8, 0, 16, 8.0),  # index 0 takes over from index 8
        (8, 3, 16, 8.0),  # index 3 from index 11
        (8, 8, 17, 8.0),
        (4, 4, 8, None),  # the previous chunk ends as the next arrives
        (4, 6, 16, 6.0),  # decisions begin every 6 steps
        (4, 0, 4, None),
    ],
)
def test_the_jump_is_that_between_actions_for_the_same_step(
    exec_horizon: int, delay: int, length: int, jump: float | None
) -> None:
    chunks, rows = Chunks(1, exec_horizon, Delay(delay, length), 3), np.arange(1)
    chunks.begin(rows, np.zeros((1, 3)))
    index = np.arange(length, dtype=np.float32)
    chunk = np.stack([index, np.zeros_like(index), np.zeros_like(index)], axis=1)[None]
    for _ in range(40):
        if len(chunks.due(rows)):
            chunks.decide(rows, chunk)
        chunks.advance(rows)
    assert chunks.boundary_jump(0) == jump


def test_a_chunk_is_at_least_what_is_executed_of_it() -> None:
    with pytest.raises(ValueError, match="chunk_length is 3; give at least 4"):
        Chunks(1, 4, Delay(0, 3), 2)


class Counting:
    """A policy that acts with its decision number and the index in the chunk, both scaled."""

    obs_horizon, exec_horizon = 1, 4

    def __init__(self, act_dim: int, length: int) -> None:
        self.act_dim, self.length = act_dim, length

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        self.decision = 0

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chunk = np.zeros((len(rows), self.length, self.act_dim), np.float32)
        chunk[:, :, 0], chunk[:, :, 1] = self.decision / 128, np.arange(self.length) / 128
        self.decision += 1
        return chunk, np.ones(len(rows), dtype=np.int64)


@pytest.mark.parametrize("delay", [0, 1, 4, 7])
def test_a_rollout_executes_them_after_a_cold_start(delay: int) -> None:
    world = World(make_task("ReachPose"), 1, 1)
    world.reset(np.array([0]), np.array([5]))
    start = world.task.action(world.task.resting_command(world.view(np.array([0]))))[0]
    policy = Counting(world.task.act_dim, 10)
    (episode,) = rollout(
        world, policy, np.array([5]), keep_trajectories=True, delay=Delay(delay, 10)
    )
    assert episode.trajectory is not None
    actions = episode.trajectory.actions
    assert np.allclose(actions[:delay], start, atol=1e-6)
    indices = [tuple(action) for action in (actions[delay:, :2] * 128).round().astype(int).tolist()]
    assert indices == expected(4, delay, 10, len(actions))[delay:]
    third = actions[3:] - 3.0 * actions[2:-1] + 3.0 * actions[1:-2] - actions[:-3]
    assert episode.jerk == pytest.approx(np.abs(third.astype(np.float64)).mean(), rel=1e-5)
    assert episode.decisions == 1 + (len(actions) - 1) // max(4, delay)
    assert (episode.boundary_jump is None) == (max(4, delay) + delay >= 10)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_chunk_that_is_not_finite_is_no_jump(bad: float) -> None:
    class Failing(Counting):
        def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            chunk, nfe = super().act(rows, observations)
            return (np.full_like(chunk, bad) if self.decision == 3 else chunk), nfe

    world = World(make_task("ReachPose"), 1, 1)
    policy = Failing(world.task.act_dim, 10)
    (episode,) = rollout(world, policy, np.array([5]), delay=Delay(0, 10))
    assert episode.error == "the policy returned NaN or infinity"
    # Between the first two decisions: 1 / 128 in one number, 4 / 128 in another.
    assert episode.boundary_jump == pytest.approx(17**0.5 / 128)
