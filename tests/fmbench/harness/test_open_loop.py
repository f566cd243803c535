"""Open-loop policies: the random policy draws from each episode's own stream."""

import numpy as np

from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import World
from fmbench.harness.open_loop import DRAWN_STEPS, RandomPolicy

STEPS = 2 * DRAWN_STEPS + 3


def test_random_actions_are_the_episodes_own_stream_in_any_order() -> None:
    world = World(make_task("PressChord"), 3, 1)
    policy, seeds = RandomPolicy(world), np.array([7, 2**33, 9])
    policy.reset(world.all_rows, seeds)
    drawn: list[list[np.ndarray]] = [[], [], []]
    observations = np.zeros((3, 1, world.task.obs_dim), np.float32)
    while min(len(actions) for actions in drawn) < STEPS:
        for rows in (np.array([0, 1, 2]), np.array([2])):  # the last row draws twice as often
            actions, nfe = policy.act(rows, observations[rows])
            assert not nfe.any()
            for row, action in zip(rows.tolist(), actions, strict=True):
                drawn[row].append(action[0])
    for row, seed in enumerate(seeds.tolist()):
        generator = episode_generator(world.task, seed, "random_policy")
        expected = generator.uniform(-1.0, 1.0, (len(drawn[row]), world.task.act_dim))
        assert np.array_equal(np.stack(drawn[row]), expected.astype(np.float32))
