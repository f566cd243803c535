"""A policy as a function of tensors gives the chunks of `sample`, for every objective."""

import pytest
import torch

from policies.catalogue import DIFFUSION_STEPS, POLICIES
from policies.chunk_function import ChunkFunction
from tests.policies.small_policies import (
    ACT_DIM,
    PRED_HORIZON,
    all_cases,
    inputs,
    sampler_cases,
    small_policy,
)

CHUNK = (PRED_HORIZON, ACT_DIM)


@pytest.mark.parametrize(("objective", "backbone", "sampler", "steps"), all_cases())
def test_chunks_are_those_of_sample(
    objective: str, backbone: str, sampler: str, steps: int
) -> None:
    policy = small_policy(objective, backbone)
    function = ChunkFunction(policy, sampler, steps)
    observations, *noise = inputs(policy, 3, function.noise_shape)
    if noise:
        draws = iter([noise[0]] if function.draws == 1 else noise[0].unbind(1))
    with torch.no_grad():
        sample = policy.sample(observations, lambda: next(draws), sampler, steps)
        chunk = function(observations, *noise)
    assert torch.equal(chunk, sample.actions)
    assert chunk.abs().max() <= 1
    assert set(sample.nfe.tolist()) == {function.nfe}
    assert not noise or next(draws, None) is None  # all noise was used


def test_noise_is_an_input_of_each_draw() -> None:
    shapes = {
        (objective, sampler): ChunkFunction(small_policy(objective), sampler, steps).noise_shape
        for objective, sampler, steps in sampler_cases()
    }
    assert shapes["flow", "heun"] == CHUNK
    assert shapes["bc", "direct"] == shapes["mip", "two_step"] == ()
    assert shapes["diffusion", "ddpm"] == (DIFFUSION_STEPS, *CHUNK)
    assert {key for key, shape in shapes.items() if shape not in ((), CHUNK)} == {
        ("diffusion", "ddpm")
    }
    consistency = ChunkFunction(small_policy("consistency"), "consistency", 3)
    assert consistency.noise_shape == (3, *CHUNK)


@pytest.mark.parametrize("prefix", [0, 2])
def test_no_action_is_given_in_advance(prefix: int) -> None:
    policy = small_policy("flow", prefix=prefix)
    function = ChunkFunction(policy)
    observations, noise = inputs(policy, 2, function.noise_shape)
    with torch.no_grad():
        sample = policy.sample(observations, lambda: noise)
        assert torch.equal(function(observations, noise), sample.actions)


def test_what_no_function_is_made_of_is_told_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"^knn has no network: it searches its demonstrations"):
        ChunkFunction(small_policy("knn"))
    adaptive = [
        (objective, sampler)
        for objective, entry in POLICIES.items()
        for sampler, limits in entry.limits.items()
        if limits.adaptive
    ]
    assert adaptive == [("flow", "rk45"), ("reflow", "rk45")]
    for objective, sampler in adaptive:
        with pytest.raises(ValueError, match=r"^rk45 chooses its steps .*: euler, midpoint, heun"):
            ChunkFunction(small_policy(objective), sampler)
    seeing = small_policy("flow", encoder="vit", seen_dim=4, groups=1, cameras=1, image_size=8)
    with pytest.raises(ValueError, match=r"^this flow sees pictures; "):
        ChunkFunction(seeing)
    with pytest.raises(ValueError, match="unknown sampler for Flow 'eulr'; did you mean euler"):
        ChunkFunction(small_policy("flow"), "eulr")
