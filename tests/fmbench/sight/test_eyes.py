"""What a policy sees when it decides: the states of its window, whatever else is drawn."""

import numpy as np
import pytest

from envs.pictures.rays import RayRenderer
from envs.pictures.states import joined, picture_states
from envs.registry import make_task
from envs.task import IntArray
from envs.world import World
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import Float32Array, rollout
from fmbench.harness.watched_world import WatchedWorld
from fmbench.sight.eyes import Eyes, SeeingPolicy
from policies.encoders import EncoderOptions, PictureShape, make_encoder
from policies.encoders.base import FrozenEncoder

TASK, SIZE, OBS_HORIZON, EXEC_HORIZON = "PressEither", 32, 3, 4
SEEDS = np.arange(5)


class Recorder:
    """Random actions, and everything that was observed at each decision, by episode."""

    obs_horizon, exec_horizon = OBS_HORIZON, EXEC_HORIZON

    def __init__(self, world: World) -> None:
        self.world, self._random = world, RandomPolicy(world)
        self.seen: dict[int, list[Float32Array]] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        self._random.reset(rows, episode_seeds)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        for row, window in zip(rows.tolist(), observations, strict=True):
            self.seen.setdefault(int(self.world.episode_seeds[row]), []).append(window)
        parts = [self._random.act(rows, observations)[0] for _ in range(EXEC_HORIZON)]
        return np.concatenate(parts, axis=1), np.zeros(len(rows), dtype=np.int64)


def observed(num_sims: int, eyes: Eyes) -> dict[int, list[Float32Array]]:
    """Return the windows of each episode's decisions."""
    task = make_task(TASK)
    policies: list[SeeingPolicy] = []
    world = WatchedWorld(task, num_sims, lambda *seen: policies[0].watch(*seen))
    recorder = Recorder(world)
    policies.append(SeeingPolicy(recorder, eyes, task.agent_columns))
    rollout(world, policies[0], SEEDS)
    return recorder.seen


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return Eyes(RayRenderer(make_task(TASK), ("main", "right-front"), SIZE), None)


def test_windows_are_the_states_of_each_episode_alone(eyes: Eyes) -> None:
    task, seen = make_task(TASK), observed(2, eyes)
    assert sorted(seen) == SEEDS.tolist()
    world, row = World(task, 1), np.array([0])
    random = RandomPolicy(world)
    for seed, windows in seen.items():
        world.reset(row, np.array([seed]))
        random.reset(row, np.array([seed]))
        states, numbers = [picture_states(world, row)], [world.observe(row)[0]]
        for _ in range(EXEC_HORIZON * (len(windows) - 1)):
            world.step(row, random.act(row, np.zeros(0))[0][:, 0])
            states.append(picture_states(world, row))
            numbers.append(world.observe(row)[0])
        for k, window in enumerate(windows):
            steps = np.maximum(np.arange(1 - OBS_HORIZON, 1) + k * EXEC_HORIZON, 0).tolist()
            agent = np.stack([numbers[step][task.agent_columns] for step in steps])
            pixels = eyes.see(joined([states[step] for step in steps]))
            np.testing.assert_array_equal(window, np.concatenate((agent, pixels), axis=1))


def test_what_is_seen_does_not_depend_on_the_number_of_simulations(eyes: Eyes) -> None:
    options = EncoderOptions(features=4)
    encoder = make_encoder("random", PictureShape(2, SIZE, SIZE), options)
    assert isinstance(encoder, FrozenEncoder)
    reader = Eyes(RayRenderer(make_task(TASK), ("main", "right-front"), SIZE), encoder)
    for each, dim in ((eyes, 2 * SIZE * SIZE * 3), (reader, encoder.raw_dim)):
        one, several = observed(1, each), observed(4, each)
        for seed in SEEDS.tolist():
            assert len(one[seed]) == len(several[seed])
            for a, b in zip(one[seed], several[seed], strict=True):
                assert a.shape == (OBS_HORIZON, make_task(TASK).agent_dim + dim)
                np.testing.assert_array_equal(a, b)
