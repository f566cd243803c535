"""Sizes: about the same number of parameters in every backbone, for every task."""

import random
from dataclasses import replace

import pytest
import torch

from envs.registry import has_extra, make_task, suite
from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import count_parameters, sized
from policies.catalogue import BACKBONES, CONDITIONINGS, SIZES
from tests.thorough import thoroughly

LIFT_CUBE = (20, 16, 140)
RANDOM = random.Random(0)
DIMS = [
    (RANDOM.randint(2, 30), RANDOM.choice([4, 8, 16, 32]), RANDOM.randint(16, 300))
    for _ in range(4)
]


def counts(conditioning: str, size: str, dims: tuple[int, int, int]) -> list[int]:
    return [
        count_parameters(name, sized(NetworkShape(*dims, conditioning=conditioning), name, size))
        for name in BACKBONES
    ]


@pytest.mark.parametrize("size", thoroughly(SIZES, always=["small"]))
@pytest.mark.parametrize("task", [task for task in suite() if has_extra(task)])
def test_backbones_have_matching_parameter_counts_on_every_task(task: str, size: str) -> None:
    built = make_task(task)
    dims = (built.act_dim, 16, 2 * built.obs_dim)
    parameters = [count for how in CONDITIONINGS for count in counts(how, size, dims)]
    assert max(parameters) < 1.1 * min(parameters)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("dims", DIMS)
def test_they_match_for_other_dimensions(dims: tuple[int, int, int], conditioning: str) -> None:
    for size in SIZES:
        parameters = counts(conditioning, size, dims)
        assert max(parameters) < 1.1 * min(parameters)


def test_the_mlp_has_its_stated_sizes() -> None:
    for conditioning in ("", "concat"):
        shape = NetworkShape(*LIFT_CUBE, 1, 1, conditioning, 40)
        assert sized(shape, "mlp", "small") == replace(shape, width=256, depth=3)
        assert sized(shape, "mlp", "base") == replace(shape, width=512, depth=4)


def test_counting_is_exact_and_leaves_the_global_generator_unchanged() -> None:
    before = torch.random.get_rng_state()
    shape = sized(NetworkShape(*LIFT_CUBE), "unet", "small")
    count_parameters.cache_clear()
    counted = count_parameters("unet", shape)
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.random.fork_rng():
        policy = ChunkPolicy(
            ChunkPolicyConfig(70, 20, 2, 16, backbone="unet", width=shape.width, depth=shape.depth)
        )
    assert counted == sum(parameter.numel() for parameter in policy.network.parameters())


@pytest.mark.parametrize(
    ("arguments", "accepted"),
    [
        (("mpl", "small", "film"), "did you mean mlp"),
        (("mlp", "smal", "film"), "did you mean small"),
        (("mlp", "small", "fillm"), "did you mean film"),
    ],
)
def test_unknown_names_are_rejected(arguments: tuple[str, str, str], accepted: str) -> None:
    backbone, size, conditioning = arguments
    with pytest.raises(ValueError, match=accepted):
        sized(NetworkShape(*LIFT_CUBE, conditioning=conditioning), backbone, size)
