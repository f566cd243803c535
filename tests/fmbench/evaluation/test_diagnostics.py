"""Diagnostics of policies with known chunks."""

import pytest
import torch

from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.diagnostics import SAMPLES, diagnose
from fmbench.evaluation.held_out import WINDOWS, held_out_windows
from fmbench.harness.seeds import TEST, VALIDATION
from policies import ChunkPolicy, ChunkPolicyConfig

CONFIG = RunConfig(task=("PressEither",))


@pytest.fixture(scope="module")
def windows():
    return held_out_windows(CONFIG, "PressEither", episodes=3)


def make_policy(objective: str, windows) -> ChunkPolicy:
    dims = windows.observations.shape[1], windows.actions.shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(ChunkPolicyConfig(*dims, objective=objective, width=16, depth=1))
    policy.fit_normalizers(windows.observations, windows.actions)
    return policy.eval()


def test_held_out_windows_are_reproducible_and_disjoint_from_test_seeds(windows) -> None:
    again = held_out_windows(CONFIG, "PressEither", episodes=3)
    assert torch.equal(windows.observations, again.observations)
    assert windows.action_index.shape[1] == CONFIG.pred_horizon
    assert VALIDATION + 32 < TEST


def test_a_policy_that_memorised_the_expert_has_distance_zero(windows) -> None:
    policy = make_policy("knn", windows)
    policy.memorise(
        windows.observations, windows.actions, windows.observation_index, windows.action_index
    )
    row = diagnose(Cell("PressEither", "knn", "nearest", 1, 0), policy, windows, None)
    assert row.chunk_distance < 1e-3, "except for windows with equal observations"
    assert row.nearest_chunk_distance == pytest.approx(row.chunk_distance)
    assert row.straightness is None
    assert (row.windows, row.samples) == (min(WINDOWS, len(windows)), SAMPLES)


def test_the_distance_of_a_constant_policy_is_that_of_the_chunks(windows) -> None:
    policy = make_policy("bc", windows)  # new networks return 0, the middle of the range
    row = diagnose(Cell("PressEither", "bc", "direct", 1, 0), policy, windows, None)
    chosen = torch.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).long()
    _, actions = windows.gather(chosen)
    middle = policy.action_normalizer.unnormalize(torch.zeros(actions.shape[-1]))
    expected = (actions - middle).square().mean((1, 2)).sqrt().mean()
    assert row.chunk_distance == pytest.approx(float(expected), rel=1e-5)
    assert row.nearest_chunk_distance == pytest.approx(row.chunk_distance), "all samples are equal"


def test_noise_is_reproducible_and_flows_have_paths(windows) -> None:
    policy, cell = make_policy("flow", windows), Cell("PressEither", "flow", "euler", 2, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # a new network returns 0 for any noise
        for weights in policy.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=generator)
    state = torch.random.get_rng_state()
    first, second = (diagnose(cell, policy, windows, None) for _ in range(2))
    assert first == second
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.straightness is not None
    assert first.straightness > 1e-6
    assert first.nearest_chunk_distance < 0.999 * first.chunk_distance
