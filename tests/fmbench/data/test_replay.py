"""Replayed states: those that the stored observations were made of."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.world import World
from fmbench.data.make import make_demonstrations
from fmbench.data.replay import replay_states
from fmbench.data.store import DemonstrationConfig, Demonstrations, load_demonstrations
from fmbench.errors import RunFailed


def test_states_are_those_of_each_episode_alone(demonstrations: Demonstrations) -> None:
    task = make_task("PressEither")
    done: list[int] = []
    states = replay_states(task, demonstrations, done.append)
    assert done == [1, 2, 3, 4]
    assert len(states) == len(demonstrations.observations)
    world, row, first, step = World(task, 1), np.array([0]), 0, 0
    for seed, length in zip(
        demonstrations.manifest["episode_seeds"], demonstrations.lengths.tolist(), strict=True
    ):
        world.reset(row, np.array([seed]))
        for k in range(length + 1):
            expected = picture_states(world, row)
            np.testing.assert_array_equal(states.qpos[first + k], expected.qpos[0])
            for name, values in expected.memory.items():
                np.testing.assert_array_equal(states.memory[name][first + k], values[0])
            if k < length:
                world.step(row, demonstrations.executed[step][None])
                step += 1
        first += length + 1


def test_the_ball_of_every_episode_is_in_its_states(tmp_path: Path) -> None:
    folder, _ = make_demonstrations(DemonstrationConfig("RelocateBall", 3), tmp_path)
    demonstrations = load_demonstrations(folder, "RelocateBall")
    states = replay_states(make_task("RelocateBall"), demonstrations, lambda done: None)
    episode = np.repeat(np.arange(3), demonstrations.lengths + 1)
    for name in ("radius", "goal"):
        values = states.memory[name]
        assert len(np.unique(values, axis=0)) == 3
        assert all(len(np.unique(values[episode == k], axis=0)) == 1 for k in range(3))


@pytest.mark.parametrize("step", [0, 40])
def test_demonstrations_that_do_not_replay_are_rejected(
    demonstrations: Demonstrations, step: int
) -> None:
    executed = demonstrations.executed.copy()
    executed[step] = -executed[step]
    other = dataclasses.replace(demonstrations, executed=executed)
    with pytest.raises(RunFailed, match="1 of 4 demonstrations of PressEither do not replay from"):
        replay_states(make_task("PressEither"), other, lambda done: None)
