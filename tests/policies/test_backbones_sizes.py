"""Sizes: as many parameters in every backbone, whatever the task."""

import random

import pytest
import torch

from envs.registry import has_extra, make_task, suite
from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones import BACKBONES, CONDITIONINGS
from policies.backbones.sizes import SIZES, count_parameters, network_size

LIFT_CUBE = (20, 16, 140)
RANDOM = random.Random(0)
DIMS = [
    (RANDOM.randint(2, 30), RANDOM.choice([4, 8, 16, 32]), RANDOM.randint(16, 300))
    for _ in range(4)
]


def counts(conditioning: str, size: str, dims: tuple[int, int, int]) -> list[int]:
    return [
        count_parameters(
            name, *dims, *network_size(name, size, conditioning, *dims), conditioning=conditioning
        )
        for name in BACKBONES
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("task", [task for task in suite() if has_extra(task)])
def test_all_backbones_hold_as_many_parameters_on_every_task(task: str, size: str) -> None:
    described = make_task(task)
    dims = (described.act_dim, 16, 2 * described.obs_dim)
    found = [count for how in CONDITIONINGS for count in counts(how, size, dims)]
    assert max(found) < 1.1 * min(found)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("dims", DIMS)
def test_they_do_for_other_dimensions(dims: tuple[int, int, int], conditioning: str) -> None:
    for size in SIZES:
        found = counts(conditioning, size, dims)
        assert max(found) < 1.1 * min(found)


def test_the_mlp_has_its_stated_sizes() -> None:
    assert network_size("mlp", "small", "concat", *LIFT_CUBE) == (256, 3)
    assert network_size("mlp", "base", "concat", *LIFT_CUBE) == (512, 4)


def test_counting_is_exact_and_leaves_random_numbers_alone() -> None:
    before = torch.random.get_rng_state()
    width, depth = network_size("unet", "small", "film", *LIFT_CUBE)
    count_parameters.cache_clear()
    counted = count_parameters("unet", *LIFT_CUBE, width, depth, "film")
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.random.fork_rng():
        policy = ChunkPolicy(
            ChunkPolicyConfig(70, 20, 2, 16, backbone="unet", width=width, depth=depth)
        )
    assert counted == sum(parameter.numel() for parameter in policy.network.parameters())


@pytest.mark.parametrize(
    ("arguments", "accepted"),
    [
        (("mpl", "small", "film"), "'mlp'"),
        (("mlp", "smal", "film"), "'small'"),
        (("mlp", "small", "fillm"), "'film'"),
    ],
)
def test_unknown_names_are_refused(arguments: tuple[str, str, str], accepted: str) -> None:
    with pytest.raises(ValueError, match=accepted):
        network_size(*arguments, *LIFT_CUBE)
