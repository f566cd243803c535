"""ChunkActor: decisions depend only on seeds and observations."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.actor import INFERENCE_ROWS
from policies.latency import measure_latency

RUNS = [
    ("flow", "euler", 3),
    ("diffusion", "ddpm", 100),
    ("diffusion", "ddim", 4),
    ("bc", None, None),
]


def make_policy(objective: str = "flow", width: int = 128) -> ChunkPolicy:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(ChunkPolicyConfig(4, 5, 2, 7, objective, width=width))
        for parameter in policy.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
    return policy


def make_actor(
    objective: str = "flow",
    sampler: str | None = None,
    steps: int | None = None,
    sampling_seed: int = 0,
) -> ChunkActor:
    return ChunkActor(make_policy(objective), 2, 3, sampler, steps, sampling_seed=sampling_seed)


def windows(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((count, 2, 4)).astype(np.float32)


def numpy_key() -> NDArray[np.uint32]:
    key: NDArray[np.uint32] = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    return key.copy()


@pytest.mark.parametrize(("objective", "sampler", "steps"), RUNS)
def test_rows_alone_and_together_give_the_same_bits(
    objective: str, sampler: str | None, steps: int | None
) -> None:
    count = INFERENCE_ROWS + 6
    observations, seeds = windows(count), np.arange(count) + 1000
    together = make_actor(objective, sampler, steps)
    together.reset(np.arange(count), seeds)
    expected = [together.act(np.arange(count), observations) for _ in range(2)]
    assert expected[0].actions.shape == (count, 3, 5)
    assert expected[0].nfe.tolist() == [together.steps] * count
    for episode in (0, 5, count - 1):
        alone = make_actor(objective, sampler, steps)
        alone.reset(np.array([7]), seeds[[episode]])  # another row
        for decision in expected:
            actions = alone.act(np.array([7]), observations[[episode]]).actions
            assert np.array_equal(actions[0], decision.actions[episode])


def test_thread_count_does_not_change_the_bits() -> None:
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            # At this width, two threads would round differently.
            actor = ChunkActor(make_policy(width=1024), 2, 3, "euler", 5)
            actor.reset(np.arange(9), np.arange(9))
            results.append(actor.act(np.arange(9), windows(9)).actions)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(results[0], results[1])


def test_noise_depends_on_both_seeds_and_on_the_decision() -> None:
    rows, same = np.array([0, 1, 2]), np.repeat(windows(1), 3, axis=0)
    actor, other = make_actor(), make_actor(sampling_seed=1)
    actor.reset(rows, np.array([8, 8, 9]))
    other.reset(rows, np.array([8, 8, 9]))
    first, second = actor.act(rows, same).actions, actor.act(rows, same).actions
    assert np.array_equal(first[0], first[1])
    assert not np.allclose(first[0], first[2])
    assert not np.allclose(first[0], second[0])
    assert not np.allclose(first[0], other.act(rows, same).actions[0])
    actor.reset(rows[:1], np.array([8]))
    assert np.array_equal(actor.act(rows[:1], same[:1]).actions[0], first[0])


def test_acting_leaves_global_randomness_and_training_mode_alone() -> None:
    actor = make_actor("diffusion", "ddim", 2)
    actor.policy.train()
    torch_state, numpy_state = torch.get_rng_state(), numpy_key()
    actor.reset(np.array([0]), np.array([3]))
    actor.act(np.array([0]), windows(1))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(numpy_key(), numpy_state)
    assert actor.policy.training


def test_bad_horizons_rows_and_seeds_are_rejected() -> None:
    policy = make_policy()
    with pytest.raises(ValueError, match="obs_horizon is 3; the policy was built for 2"):
        ChunkActor(policy, 3, 3)
    with pytest.raises(ValueError, match="exec_horizon is 8; give 1 to 7, the pred_horizon"):
        ChunkActor(policy, 2, 8)
    with pytest.raises(ValueError, match="did you mean euler"):
        ChunkActor(policy, 2, 3, "euller", 1)
    actor = ChunkActor(policy, 2, 3)
    with pytest.raises(ValueError, match=r"rows \[4\] have no episode; call reset first"):
        actor.act(np.array([4]), windows(1))
    with pytest.raises(ValueError, match="episode_seed is -1; both must be at least 0"):
        actor.reset(np.array([0]), np.array([-1]))
    actor.reset(np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match=r"observations are \(2, 2, 4\); expected \(1, 2, 4\)"):
        actor.act(np.array([0]), windows(2))


def test_latency_times_every_call_and_restores_the_threads() -> None:
    threads = torch.get_num_threads()
    seconds = measure_latency(make_actor("flow", "euler", 2), agent_dim=4, calls=5, warm_up=1)
    assert seconds.shape == (5,)
    assert (seconds > 0).all()
    assert torch.get_num_threads() == threads
    with pytest.raises(ValueError, match="calls is 0; it must be at least 1"):
        measure_latency(make_actor(), agent_dim=4, calls=0)
