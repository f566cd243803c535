"""Executions: what follows a chunk depends on its own episode, and is what each one defines."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fmbench.storage.rows import HOLD as HOLD_OF_ROWS
from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.actor import INFERENCE_ROWS, EpisodeNoise
from policies.catalogue import EXECUTIONS, HOLD, POLICIES, TRAINED, cannot_execute
from policies.chunk_policy import Prefix
from policies.joins.bid import DECAY, SAMPLES
from policies.joins.ensemble import AGE_WEIGHT
from tests.policies.test_actor import make_policy

EXEC, PRED = 3, 7
ABLE = [
    (execution, objective)
    for execution in EXECUTIONS
    for objective in ("flow", "diffusion", "bc", "imle")
    if execution != TRAINED and not cannot_execute(execution, objective)
]


def actor(execution: str, objective: str = "flow", delay: int = 0, s: int = EXEC) -> ChunkActor:
    sampler, steps = ("ddim", 4) if objective == "diffusion" else (None, None)
    if objective == "flow":
        sampler, steps = "euler", 3
    return ChunkActor(
        *(make_policy(objective), 2, s, sampler, steps),
        chunk_length=PRED,
        execution=execution,
        delay=delay,
    )


def windows(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 2, 4)).astype(np.float32)


def chunks(one: ChunkActor, decisions: int, seed: int = 9) -> list[NDArray[np.float32]]:
    """Return the chunks of one episode."""
    rows = np.array([4])
    one.reset(rows, np.array([seed]))
    return [one.act(rows, windows(1, k)).actions[0] for k in range(decisions)]


def test_rows_and_policies_call_the_plain_execution_alike() -> None:
    assert HOLD == HOLD_OF_ROWS == next(iter(EXECUTIONS))


@pytest.mark.parametrize(("execution", "objective"), ABLE)
def test_a_row_does_not_depend_on_its_neighbours_nor_on_their_decisions(
    execution: str, objective: str
) -> None:
    count = INFERENCE_ROWS + 4
    together, alone = actor(execution, objective, 2), actor(execution, objective, 2)
    expected = chunks(alone, 4)
    together.reset(np.arange(count), np.arange(count) + 1000)
    for k in range(4):
        if k == 1:  # one row is in the first decision of its episode, the others are not
            together.reset(np.array([2]), np.array([9]))
        seen = windows(count, 50 + k)
        if k >= 1:
            seen[2] = windows(1, k - 1)[0]
        decided = together.act(np.arange(count), seen)
        if k >= 1:
            assert np.array_equal(decided.actions[2], expected[k - 1])
    alone.reset(np.array([4]), np.array([9]))  # an episode remembers nothing of the one before
    assert np.array_equal(alone.act(np.array([4]), windows(1, 0)).actions[0], expected[0])


@pytest.mark.parametrize("objective", ["flow", "diffusion"])
@pytest.mark.parametrize("execution", ["rtc", "rtc_identity"])
def test_guidance_without_weights_gives_the_bits_of_plain_sampling(
    execution: str, objective: str
) -> None:
    guided, plain = (chunks(actor(e, objective, s=PRED), 3) for e in (execution, HOLD))
    assert all(np.array_equal(a, b) for a, b in zip(guided, plain, strict=True))
    first = [chunks(actor(e, objective, 2), 1)[0] for e in (execution, HOLD)]
    assert np.array_equal(*first)


@pytest.mark.parametrize("objective", ["flow", "diffusion"])
def test_a_guided_chunk_continues_the_previous_one(objective: str) -> None:
    distance = []  # a network without training hardly depends on its noisy chunk: no Jacobian
    for execution in ("rtc_identity", HOLD):
        first, second = chunks(actor(execution, objective, 3), 2)
        distance.append(np.linalg.norm(second[:3] - first[EXEC : EXEC + 3]))
    assert distance[0] < 0.7 * distance[1]


@pytest.mark.parametrize("objective", ["flow", "diffusion"])
def test_a_backward_pass_counts_as_an_evaluation(objective: str) -> None:
    guided, rows = actor("rtc", objective, 3), np.array([0])
    guided.reset(rows, np.array([3]))
    nfe = [int(guided.act(rows, windows(1)).nfe[0]) for _ in range(2)]
    assert nfe == [guided.steps, 2 * guided.steps]


def test_an_ensemble_is_the_weighted_mean_of_all_chunks_that_reach_a_step() -> None:
    plain, together = chunks(actor(HOLD), 4), chunks(actor("ensemble"), 4)
    for j in range(4):
        for i in range(PRED):
            reaching = [k for k in range(j + 1) if (j - k) * EXEC + i < PRED]  # the oldest first
            weights = [math.exp(-AGE_WEIGHT * place) for place in range(len(reaching))]
            actions = [plain[k][(j - k) * EXEC + i].astype(np.float64) for k in reaching]
            expected = np.average(actions, axis=0, weights=weights)
            assert np.allclose(together[j][i], expected, atol=1e-6)


def test_of_several_samples_the_one_closest_to_the_previous_chunk_is_taken() -> None:
    delay, seed = 1, 9
    one = actor("bid", delay=delay)
    found = chunks(one, 2, seed)
    policy, noise = one.policy.eval(), EpisodeNoise(0, seed)
    samples = []
    for k in range(2):
        stream = noise.next_decision()
        window = torch.from_numpy(windows(1, k))
        draws = [
            torch.from_numpy(stream.standard_normal((1, PRED, 5), dtype=np.float32))
            for _ in range(SAMPLES)
        ]
        with torch.no_grad():
            samples.append(
                [
                    policy.sample(window, lambda draw=draw: draw, "euler", 3).actions[0].numpy()  # type: ignore[misc]
                    for draw in draws
                ]
            )
    assert np.allclose(found[0], samples[0][0], atol=1e-5)
    distances = [
        sum(
            DECAY ** (i - delay) * np.linalg.norm(sample[i] - found[0][EXEC + i])
            for i in range(delay, PRED - EXEC)
        )
        for sample in samples[1]
    ]
    assert np.allclose(found[1], samples[1][int(np.argmin(distances))], atol=1e-5)
    assert int(np.argmin(distances)) != 0


def test_what_a_policy_cannot_do_is_said() -> None:
    assert "do not depend on noise" in cannot_execute("bid", "bc")
    assert "those of flow, reflow, diffusion can" in cannot_execute("rtc", "shortcut")
    with pytest.raises(ValueError, match="imle takes no steps from noise"):
        actor("rtc", "imle")
    with pytest.raises(ValueError, match="unknown execution 'rtx'"):
        actor("rtx")
    with pytest.raises(ValueError, match="chunk_length is 8; give 3 to 7"):
        ChunkActor(make_policy(), 2, 3, chunk_length=8)
    for policy in POLICIES:
        assert cannot_execute(HOLD, policy) == ""
        assert cannot_execute("ensemble", policy) == ""


def continuing_policy(objective: str, backbone: str = "mlp") -> ChunkPolicy:
    """A policy for one-number observations that say nothing: chunks are level lines, +1 or -1."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(
            ChunkPolicyConfig(
                *(1, 1, 1, PRED, objective), backbone=backbone, width=64, depth=1, prefix=3
            )
        )
    generator = torch.Generator().manual_seed(0)
    policy.fit_normalizers(torch.randn(64, 1, generator=generator), torch.tensor([[-1.0], [1.0]]))
    optimizer = torch.optim.Adam(policy.network.parameters(), lr=3e-3)
    for _ in range(250):
        side = torch.randint(2, (64, 1, 1), generator=generator) * 2.0 - 1.0
        actions = side.expand(-1, PRED, 1)
        observations = torch.randn(64, 1, 1, generator=generator)
        optimizer.zero_grad()
        policy.loss(observations, actions, generator).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return policy


@pytest.mark.parametrize("objective", ["flow", "diffusion", "bc"])
def test_a_trained_policy_continues_on_the_side_of_the_previous_chunk(objective: str) -> None:
    policy = continuing_policy(objective).eval()
    observations = torch.zeros(64, 1, 1)
    generator = torch.Generator().manual_seed(1)

    def sides(prefix: Prefix | None) -> NDArray[np.float32]:
        noise = lambda: torch.randn(64, PRED, 1, generator=generator)  # noqa: E731
        with torch.no_grad():
            chunk: NDArray[np.float32] = policy.sample(observations, noise, prefix=prefix).actions
        return np.asarray(chunk[:, -1, 0])

    for side in (-1.0, 1.0):
        given = Prefix(torch.full((64, 3, 1), side), torch.full((64,), 2))
        assert (np.sign(sides(given)) == side).mean() > 0.95
        ungiven = Prefix(given.actions, torch.zeros(64, dtype=torch.int64))
        if objective == "bc":
            assert np.abs(sides(ungiven)).max() < 0.3  # the mean of both
        else:
            assert 0.2 < (sides(ungiven) > 0).mean() < 0.8
            assert 0.2 < (sides(None) > 0).mean() < 0.8


def test_the_prefix_is_what_is_executed_meanwhile() -> None:
    policy = continuing_policy("flow")
    one = ChunkActor(policy, 1, EXEC, chunk_length=PRED, execution="rtc_train", delay=2)
    seen: list[Prefix | None] = []
    plain = policy.sample

    def recording(*args: Any, prefix: Prefix | None = None, **named: Any) -> Any:
        seen.append(prefix)
        return plain(*args, prefix=prefix, **named)

    policy.sample = recording  # type: ignore[method-assign]
    rows = np.array([0])
    one.reset(rows, np.array([5]))
    first = one.act(rows, np.zeros((1, 1, 1), np.float32)).actions[0]
    one.act(rows, np.zeros((1, 1, 1), np.float32))
    assert seen[0] is not None
    assert seen[1] is not None
    assert seen[0].given.tolist() == [0] * INFERENCE_ROWS
    assert seen[1].given.tolist() == [2] * INFERENCE_ROWS
    assert np.array_equal(seen[1].actions[0].numpy(), first[EXEC : EXEC + 3])
    with pytest.raises(ValueError, match="delay is 4; the policy was trained to continue 3"):
        ChunkActor(policy, 1, EXEC, execution="rtc_train", delay=4)
    with pytest.raises(ValueError, match="trained to continue 0"):
        ChunkActor(make_policy(), 2, EXEC, execution="rtc_train", delay=1)
