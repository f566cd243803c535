"""EpisodeStreams: one generator reproduces the streams of all episodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.episode_streams import (
    NUMBERS_IN_BLOCK,
    EpisodeStreams,
    episode_generator,
    philox_keys,
)
from envs.registry import make_task
from envs.task import Task

SEEDS = np.array([0, 1, 2**31, 2**32 - 1, 2**32, 2**40 + 7, 2**63 - 1])


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task("ReachPose")


def draws(rng: np.random.Generator) -> list[float]:
    """Draw numbers that leave values in every buffer of a generator, such as half words."""
    parts = [rng.integers(2, size=3), rng.uniform(size=5), rng.normal(size=7), [rng.integers(9)]]
    return np.concatenate(parts).tolist()


def test_streams_equal_episode_generators_in_any_order(task: Task) -> None:
    streams = EpisodeStreams(task, "start")
    keys = streams.keys(SEEDS)
    for k in [3, 0, 6, 5, 1, 2, 4, 4]:
        generator = episode_generator(task, int(SEEDS[k]), "start")
        assert draws(streams.at(keys[k])) == draws(generator)


def test_streams_of_one_episode_differ_by_name(task: Task) -> None:
    one, other = (EpisodeStreams(task, name) for name in ("start", "noise"))
    assert draws(one.at(one.keys(SEEDS)[0])) != draws(other.at(other.keys(SEEDS)[0]))


@pytest.mark.parametrize("blocks", [1, 2, 57])
def test_blocks_skip_four_numbers_each(task: Task, blocks: int) -> None:
    streams, generator = EpisodeStreams(task, "start"), episode_generator(task, 5, "start")
    generator.uniform(size=blocks * NUMBERS_IN_BLOCK)
    key = streams.keys(np.array([5]))[0]
    assert streams.at(key, blocks).uniform(size=9).tolist() == generator.uniform(size=9).tolist()


@given(words=st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4))
def test_keys_are_those_of_numpys_seed_sequence(words: list[int]) -> None:
    entropy = [np.array([word], dtype=np.uint32) for word in words]
    expected = np.random.SeedSequence(words).generate_state(2, np.uint64)
    assert philox_keys(entropy)[0].tolist() == expected.tolist()


def test_negative_seed_is_rejected(task: Task) -> None:
    with pytest.raises(ValueError, match=r"An episode seed is -3; give 0 or more\."):
        EpisodeStreams(task, "start").keys(np.array([4, -3]))
