"""Passes of the residual MLP in halves: the gradients are those of torch, whatever is asked."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from fmbench.training import shared_products
from fmbench.training.halved_mlp import HalvedMLP
from fmbench.training.mlp_passes import MlpPasses
from fmbench.training.shared_products import SharedProducts
from policies.backbones.mlp import ResidualMLP
from policies.backbones.shape import NetworkShape
from tests.fmbench.second_threads import Diligent, Idle

ROWS = 5
Loss = Callable[[ResidualMLP], Tensor]


@pytest.fixture(autouse=True)
def small_products(torch_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(shared_products, "LEAST_WORK", 0)
    monkeypatch.setattr(shared_products, "LEAST_HALVED", 0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of all passes that are made."""
    made: list[int] = []
    make = MlpPasses.__init__

    def count(passes: MlpPasses, network: ResidualMLP, rows: int) -> None:
        made.append(rows)
        make(passes, network, rows)

    monkeypatch.setattr(MlpPasses, "__init__", count)
    return made


def make_network(conditioning: str = "concat", depth: int = 2) -> ResidualMLP:
    torch.manual_seed(0)
    network = ResidualMLP(NetworkShape(2, 3, 4, 8, depth, conditioning, 2))
    for parameter in network.parameters():  # some layers are 0 at first
        nn.init.normal_(parameter, std=0.5)
    return network.double()


def inputs(rows: int = ROWS) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(rows, 3, 2, generator=generator).double(),
        torch.rand(rows, generator=generator).double(),
        torch.randn(rows, 4, generator=generator).double(),
    )


def once(network: ResidualMLP) -> Tensor:
    return network(*inputs()).square().sum()


def twice(network: ResidualMLP) -> Tensor:
    chunk, time, condition = inputs()
    first = network(chunk, time, condition)
    return (network(first.detach(), time / 2, condition) * first).sum()


def compare(network: ResidualMLP, loss: Loss = once, times: int = 2) -> None:
    """Compare the gradients of halves, on either thread, with those of torch."""
    loss(network).backward()
    plain = [parameter.grad for parameter in network.parameters()]
    for thread in (Idle, Diligent):
        with thread() as second:
            products = SharedProducts(network, second)
            halved = HalvedMLP(network, products, second)
            for _ in range(times):
                network.zero_grad()
                with halved, products:
                    products.backward(loss(network))
                for parameter, gradient in zip(network.parameters(), plain, strict=True):
                    torch.testing.assert_close(parameter.grad, gradient)
    assert "trunk" not in network.__dict__


@pytest.mark.parametrize("depth", [1, 3])
def test_gradients_are_those_of_torch_and_passes_are_used_again(
    made: list[int], depth: int
) -> None:
    compare(make_network(depth=depth))
    assert made == [ROWS, ROWS], "once for each thread, not for each update"


def test_a_loss_may_evaluate_the_network_several_times(made: list[int]) -> None:
    compare(make_network(), twice)
    assert made == 4 * [ROWS]


def test_batches_may_differ_in_size(made: list[int]) -> None:
    network = make_network()
    with Idle() as second:
        products = SharedProducts(network, second)
        halved = HalvedMLP(network, products, second)
        for rows in (5, 5, 4, 1, 5):
            with halved, products:
                products.backward(network(*inputs(rows)).square().sum())
    assert made == [5, 4, 1, 5]


def test_the_gradient_may_be_differentiated() -> None:
    def loss(network: ResidualMLP) -> Tensor:
        value = once(network)
        (slope,) = torch.autograd.grad(value, network.output.weight, create_graph=True)
        return value + slope.square().sum()

    compare(make_network(), loss)


def test_weights_alone_may_be_asked_for(made: list[int]) -> None:
    network = make_network()
    (plain,) = torch.autograd.grad(once(network), network.input.weight)
    with Diligent() as second:
        products = SharedProducts(network, second)
        with HalvedMLP(network, products, second), products:
            (ours,) = torch.autograd.grad(once(network), network.input.weight)
    torch.testing.assert_close(ours, plain)
    assert made


def of_inputs(network: ResidualMLP) -> Tensor:
    chunk, time, condition = inputs()
    chunk.requires_grad_()
    (slope,) = torch.autograd.grad(network(chunk, time, condition).sum(), chunk, create_graph=True)
    return slope.square().sum()


def of_condition(network: ResidualMLP) -> Tensor:
    chunk, time, condition = inputs()
    return network(chunk, time, condition * network.gate.weight.mean()).square().sum()


def of_other_weights(network: ResidualMLP) -> Tensor:
    doubled = {name: 2 * weight for name, weight in network.named_parameters()}
    value: Tensor = torch.func.functional_call(network, doubled, inputs())
    return value.square().sum()


def of_a_tangent(network: ResidualMLP) -> Tensor:
    chunk, time, condition = inputs()
    with forward_ad.dual_level():
        moving = forward_ad.make_dual(chunk, torch.ones_like(chunk))
        tangent: Tensor = forward_ad.unpack_dual(network(moving, time, condition)).tangent
        return tangent.square().sum()


def without_a_gradient(network: ResidualMLP) -> Tensor:
    with torch.no_grad():
        target = network(*inputs())
    return (network.gate.weight * target.mean()).sum()


@pytest.mark.parametrize(
    "loss", [of_inputs, of_condition, of_other_weights, of_a_tangent, without_a_gradient]
)
def test_what_is_more_than_these_passes_is_left_to_torch(made: list[int], loss: Loss) -> None:
    compare(make_network(), loss)
    assert not made


class Own(ResidualMLP):
    """A network of a user's own."""


def _own(network: ResidualMLP) -> None:
    network.__class__ = Own


def _hooked(network: ResidualMLP) -> None:
    network.blocks[1].register_forward_hook(lambda module, given, output: 2 * output)


def _replaced(network: ResidualMLP) -> None:
    block: Any = network.blocks[0]
    forward = block.forward
    block.forward = lambda *given: 3 * forward(*given)


def _hooked_weight(network: ResidualMLP) -> None:
    network.output.weight.register_hook(lambda gradient: 0 * gradient)


@pytest.mark.parametrize("change", [_own, _hooked, _replaced, _hooked_weight])
def test_a_changed_network_is_left_to_torch(
    made: list[int], change: Callable[[ResidualMLP], None]
) -> None:
    network = make_network()
    change(network)
    compare(network)
    assert not made


def test_other_networks_are_left_to_torch(made: list[int]) -> None:
    compare(make_network("film"))
    with Idle() as second:
        other = nn.Linear(2, 2)
        with HalvedMLP(other, SharedProducts(other, second), second):
            assert "trunk" not in other.__dict__
    assert not made


def test_small_products_are_not_halved(made: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_products, "LEAST_HALVED", ROWS * 64 + 1)
    compare(make_network())
    assert not made
