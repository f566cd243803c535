"""Products that two threads share: the gradients are those of torch, whatever a network does."""

import math
import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from fmbench.training import shared_products
from fmbench.training.second_thread import SecondThread
from fmbench.training.shared_products import SharedProducts


@pytest.fixture(autouse=True)
def one_torch_thread(torch_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(shared_products, "LEAST_WORK", 0)
    monkeypatch.setattr(shared_products, "LEAST_HALVED", 0)


class Penalised(nn.Module):
    """A network whose loss contains a derivative: it differentiates within itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 1, bias=False)

    def loss(self) -> torch.Tensor:
        x = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
        y = self.second(self.first(x).tanh())
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        (of_weight,) = torch.autograd.grad(y.sum(), self.first.weight, create_graph=True)
        return y.sum() + slope.square().sum() + of_weight.square().sum()


def test_a_loss_may_contain_derivatives() -> None:
    torch.manual_seed(0)
    network = Penalised()
    compare_gradients(network, network.loss)


def compare_gradients(network: nn.Module, loss: Callable[[], torch.Tensor]) -> None:
    """Compare the gradients of two threads with those of torch."""
    loss().backward()
    plain = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    with SecondThread() as second:
        products = SharedProducts(network, second)
        with products:
            value = loss()
        products.backward(value)
    assert any(gradient is not None for gradient in plain)
    for parameter, gradient in zip(network.parameters(), plain, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("least_halved", [0, sys.maxsize])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_a_network_may_change_a_product_in_place(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], least_halved: int
) -> None:
    monkeypatch.setattr(shared_products, "LEAST_HALVED", least_halved)
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 2, bias=False))
    x = torch.linspace(-1, 1, math.prod(shape)).reshape(shape)
    compare_gradients(network, lambda: network(x).mul_(2).square().sum())


@pytest.mark.parametrize("how", ["other weights", "a tangent", "by name", "no input"])
def test_products_that_are_more_are_left_to_torch(how: str) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.linspace(-1, 1, 6).reshape(2, 3)

    def loss() -> torch.Tensor:
        if how == "other weights":
            doubled = {name: 2 * weight for name, weight in network.named_parameters()}
            return torch.func.functional_call(network, doubled, (x,)).square().sum()
        if how == "a tangent":
            with forward_ad.dual_level():
                y = network(forward_ad.make_dual(x, torch.ones_like(x)))
                return forward_ad.unpack_dual(y).tangent.square().sum()
        if how == "by name":
            return network[2](input=network[0](input=x)).square().sum()
        return network(x[:0]).square().sum()

    compare_gradients(network, loss)


def test_what_is_saved_for_the_backward_pass_may_be_copied() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2, bias=False))

    def loss() -> torch.Tensor:
        with torch.autograd.graph.save_on_cpu():
            return network(torch.ones(2, 3)).square().sum()

    compare_gradients(network, loss)


def test_a_layer_may_be_frozen_later() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with SecondThread() as second:
        products = SharedProducts(network, second)
        network[1].requires_grad_(requires_grad=False)
        with products:
            loss = network(torch.ones(2, 3)).square().sum()
        products.backward(loss)
    assert [p.grad is None for p in network.parameters()] == [False, False, True, True]


def test_layers_with_more_than_a_product_are_left_to_torch() -> None:
    names = ("plain", "hooked", "called", "frozen", "normed")
    network = nn.ModuleDict({k: nn.Linear(2, 2) for k in names})
    network["hooked"].weight.register_hook(lambda gradient: 0 * gradient)
    network["called"].weight.register_post_accumulate_grad_hook(lambda parameter: None)
    network["frozen"].requires_grad_(requires_grad=False)
    nn.utils.parametrizations.weight_norm(network["normed"])
    with SecondThread() as second, SharedProducts(network, second):
        assert [k for k, layer in network.items() if "forward" in layer.__dict__] == ["plain"]
