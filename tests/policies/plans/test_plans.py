"""A planned network returns the output of the network."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.catalogue import BACKBONES, CONDITIONINGS
from policies.plans import dit as dit_plan
from policies.plans import layers
from policies.plans import plan as plan_module
from policies.plans import unet as unet_plan
from policies.plans.planner import PLANS

DIMS = {"small": (20, 16, 140), "odd": (5, 7, 3), "one action": (2, 1, 3)}
KINDS = list(itertools.product(BACKBONES, CONDITIONINGS))


def make(name: str, conditioning: str, dims: str, outputs: int | None = None) -> nn.Module:
    """A network with all weights non-zero."""
    shape = NetworkShape(*DIMS[dims], 24, 2, conditioning)
    if dims == "small":
        shape = sized(shape, name, "small")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make_backbone(name, replace(shape, outputs=outputs))
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.05)
    return network


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def difference(network: nn.Module, dims: str, batch: int, times: Tensor) -> float:
    """Largest difference over times and two decisions, relative to the largest output."""
    act_dim, horizon, condition_dim = DIMS[dims]
    plan = PLANS[type(network)](network, times, batch, (horizon, act_dim))
    errors = []
    for decision in range(2):
        condition = draw(batch, condition_dim, seed=decision)
        plan.set_condition(condition)
        for index, time in enumerate(times):
            x = draw(batch, horizon, act_dim, seed=10 + index)
            expected = network(x, time.expand(batch, *time.shape), condition)
            error = (plan.evaluate(index, x) - expected).abs().max()
            errors.append(float(error / expected.abs().max()))
    return max(errors)


@pytest.mark.parametrize(("name", "conditioning"), KINDS)
@pytest.mark.parametrize("times_shape", [(3,), (3, 2)])
def test_output_is_that_of_the_network(
    name: str, conditioning: str, times_shape: tuple[int, ...]
) -> None:
    times = draw(*times_shape).sigmoid()
    with torch.inference_mode():
        for dims, batch in (("one action", 1), ("odd", 1), ("odd", 64), ("small", 1), ("small", 3)):
            network = make(name, conditioning, dims)
            assert difference(network, dims, batch, times) < 1e-5, (dims, batch)


@pytest.mark.parametrize(("name", "conditioning"), KINDS)
def test_outputs_that_are_not_a_chunk_have_no_skip(name: str, conditioning: str) -> None:
    with torch.inference_mode():
        network = make(name, conditioning, "odd", outputs=11)
        assert difference(network, "odd", 2, draw(2).sigmoid()) < 1e-5


@pytest.mark.parametrize(("name", "conditioning"), KINDS)
def test_outputs_of_all_times_have_separate_buffers(name: str, conditioning: str) -> None:
    """Solvers of higher order use several outputs at once."""
    network, times = make(name, conditioning, "odd"), torch.tensor([0.1, 0.6])
    with torch.inference_mode():
        plan = PLANS[type(network)](network, times, 1, (7, 5))
        plan.set_condition(draw(1, 3))
        x = draw(1, 7, 5)
        first = plan.evaluate(0, x)
        first_before, x_before = first.clone(), x.clone()
        assert not torch.equal(plan.evaluate(1, x), first_before)
        assert torch.equal(first, first_before)
        assert torch.equal(x, x_before)


@pytest.mark.parametrize("layout", ["CPU", "GPU"])
@pytest.mark.parametrize(("name", "conditioning"), KINDS)
def test_a_plan_draws_nothing_and_does_not_change_the_network(
    name: str, conditioning: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if layout == "GPU":  # where plans share the network's weights instead of copying them
        for module in (layers, plan_module, dit_plan):
            monkeypatch.setattr(module, "matmul_layout", lambda weight: weight)
    network, random = make(name, conditioning, "odd"), torch.random.get_rng_state()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.inference_mode():
        plan = PLANS[type(network)](network, torch.tensor([0.0, 0.5]), 2, (7, 5))
        plan.set_condition(draw(2, 3))
        plan.evaluate(1, draw(2, 7, 5))
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("dims", ["odd", "small"])
def test_unet_gives_the_same_output_with_gathered_neighbours(
    dims: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unet_plan, "is_for_many", lambda *_: True)
    with torch.inference_mode():
        for batch in (1, 5):
            network = make("unet", "film", dims)
            assert difference(network, dims, batch, draw(3).sigmoid()) < 1e-5, batch
