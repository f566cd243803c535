"""Updates on a CPU: their bytes do not depend on which thread does what."""

import itertools
import math
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

from fmbench.runs.sharing import RunTraining, shared_updates
from fmbench.training import cpu_update, loop, second_thread, shared_products
from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint
from fmbench.training.cpu_update import CpuUpdate
from fmbench.training.loop import NotFinite, train
from fmbench.training.second_thread import SecondThread, Task
from fmbench.training.shared_products import SharedProducts
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import EagerUpdate
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.small_training import ORIGIN, all_bytes, make_small_windows, start

TRAINED = [name for name, objective in POLICIES.items() if objective.trains]
CONFIG = TrainConfig(updates=6, batch_size=7, warmup_updates=2, log_every=2, gradient_clip=0.5)


class Idle(SecondThread):
    """The second thread never finds a processor: the first one does everything."""

    def _work(self, threads: int) -> None:
        pass


class Diligent(SecondThread):
    """The second thread does everything: the first one only waits."""

    def _next(self) -> Task | None:
        return None


@pytest.fixture(autouse=True)
def one_torch_thread(torch_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    share_small(monkeypatch)


def share_small(monkeypatch: pytest.MonkeyPatch, least_halved: int = 0) -> None:
    monkeypatch.setattr(shared_products, "LEAST_WORK", 0)
    monkeypatch.setattr(shared_products, "LEAST_HALVED", least_halved)
    monkeypatch.setattr(cpu_update, "LEAST_SHARED", 0)


def trained(
    monkeypatch: pytest.MonkeyPatch,
    thread: Callable[[], AbstractContextManager[Any]],
    objective: str = "flow",
    backbone: str = "mlp",
    least_halved: int = 0,
) -> dict[str, bytes]:
    """Return all bytes after a training with a second thread, or plainly with none."""
    share_small(monkeypatch, least_halved)
    monkeypatch.setattr(loop, "SecondThread", thread)
    if thread is nullcontext:
        monkeypatch.setattr(loop, "CpuUpdate", lambda *training: EagerUpdate(*training[:3]))
    windows = make_small_windows()
    state = start(windows, objective, config=CONFIG, backbone=backbone)
    assert train(state, CONFIG, windows)
    assert not second_threads()
    monkeypatch.undo()
    share_small(monkeypatch)
    return all_bytes(state)


@pytest.mark.parametrize("objective", TRAINED)
def test_bytes_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch, objective: str) -> None:
    results = [trained(monkeypatch, thread, objective) for thread in (Idle, SecondThread, Diligent)]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("objective", TRAINED)
def test_bytes_without_halves_are_those_of_plain_updates(
    monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    plain = trained(monkeypatch, nullcontext, objective, "dit", sys.maxsize)
    assert trained(monkeypatch, Diligent, objective, "dit", sys.maxsize) == plain


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_are_those_of_torch(backbone: str) -> None:
    windows = make_small_windows()
    plain, shared = (start(windows, config=CONFIG, backbone=backbone) for _ in range(2))
    with Diligent() as second:
        first, other = (
            EagerUpdate(plain, CONFIG, windows),
            CpuUpdate(shared, CONFIG, windows, second),
        )
        for _ in range(2):  # at first some layers are 0
            torch.testing.assert_close(first(), other())
    for ours, theirs in zip(other.parameters, first.parameters, strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("is_reentrant", [False, True])
@pytest.mark.parametrize("thread", [Idle, Diligent])
def test_a_network_may_compute_again_in_the_backward_pass(
    thread: type[SecondThread], is_reentrant: bool
) -> None:
    windows = make_small_windows()
    plain, shared = (start(windows, config=CONFIG) for _ in range(2))
    for state in (plain, shared):
        block = state.policy.network.get_submodule("blocks")[0]
        block.forward = partial(checkpoint, block.forward, use_reentrant=is_reentrant)
    with thread() as second:
        update = CpuUpdate(shared, CONFIG, windows, second)
        for _ in range(2):  # at first some layers are 0
            torch.testing.assert_close(EagerUpdate(plain, CONFIG, windows)(), update())
    for ours, theirs in zip(shared.policy.parameters(), plain.policy.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("objective", ["flow", "consistency", "meanflow"])
def test_a_training_resumed_on_one_processor_is_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, objective: str
) -> None:
    whole = trained(monkeypatch, Diligent, objective)
    windows = make_small_windows()
    state = start(windows, objective, config=CONFIG)
    assert not train(state, CONFIG, windows, should_stop=lambda: state.update == 3)
    save_checkpoint(tmp_path / "c", state, CONFIG, ORIGIN)
    resumed = start(windows, objective, config=CONFIG)
    restore_checkpoint(tmp_path / "c", resumed, CONFIG, ORIGIN)
    monkeypatch.setattr(loop, "SecondThread", Idle)
    assert train(resumed, CONFIG, windows)
    assert all_bytes(resumed) == whole


def test_nan_on_the_second_thread_names_its_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SecondThread", Diligent)
    windows = make_small_windows()
    state = start(windows, config=CONFIG)

    def spoil(update: int) -> None:
        if update == 3:
            next(state.policy.network.parameters()).data.fill_(float("nan"))

    with pytest.raises(NotFinite, match="update 4: loss nan"):
        train(state, CONFIG, windows, on_update=spoil)
    assert not second_threads()


@pytest.mark.parametrize("thread", [SecondThread, Idle, Diligent])
def test_an_error_in_a_task_is_raised_after_the_others(thread: type[SecondThread]) -> None:
    done: list[int] = []

    def fail() -> None:
        raise MemoryError("no memory for a gradient")

    with thread() as second:
        for task in (lambda: done.append(1), fail, lambda: done.append(2)):
            second.give(task)
        with pytest.raises(MemoryError, match="no memory for a gradient"):
            second.finish()
        assert sorted(done) == [1, 2]
        second.give(lambda: done.append(3))
        second.finish()
        assert done[-1] == 3
    assert not second_threads()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("can't start new thread")])
def test_an_error_at_the_start_of_the_thread_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(type(error), match=str(error)), SecondThread() as second:
        second.give(lambda: None)


class Offers(SecondThread):
    """Counts what is offered to the second thread."""

    offered = 0

    def give(self, task: Task) -> None:
        self.offered += 1
        super().give(task)


def test_pairs_are_no_longer_offered_where_that_saves_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # at every look at the clock one task more is done: two take twice as long as one
    monkeypatch.setattr(second_thread, "perf_counter", itertools.count().__next__)
    done: list[int] = []
    pairs = second_thread.MOST_LOSSES + second_thread.REST
    with Offers() as second:
        for k in range(pairs):
            second.do_both(lambda k=k: done.append(k), lambda k=k: done.append(k))  # type: ignore[misc]
        assert second.offered == second_thread.MOST_LOSSES
        second.do_both(lambda: done.append(pairs), lambda: done.append(pairs))
        assert second.offered == second_thread.MOST_LOSSES + 1, "but tried again later"
    assert sorted(done) == sorted([*range(pairs + 1)] * 2)


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("thread", [SecondThread, Idle, Diligent])
def test_an_error_in_one_of_a_pair_leaves_nothing(thread: type[SecondThread], failing: int) -> None:
    done: list[int] = []

    def do(number: int) -> None:
        if number == failing:
            raise MemoryError("no memory for a product")
        done.append(number)

    with thread() as second:
        with pytest.raises(MemoryError, match="no memory for a product"):
            second.do_both(lambda: do(0), lambda: do(1))
        assert done == [1 - failing]
        second.do_both(lambda: do(2), lambda: do(3))
        assert sorted(done) == [1 - failing, 2, 3]


def test_an_interrupted_update_leaves_no_thread_and_no_changed_layer() -> None:
    windows = make_small_windows()
    state = start(windows, config=CONFIG)
    layer = state.policy.network.get_submodule("output")

    def interrupt(gradient: torch.Tensor) -> None:
        raise KeyboardInterrupt

    layer.register_forward_hook(lambda _, x, y: y.register_hook(interrupt) and None)
    with Idle() as second:
        update = CpuUpdate(state, CONFIG, windows, second)
        with pytest.raises(KeyboardInterrupt):
            update()
    assert not second_threads()
    assert "forward" not in layer.__dict__


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
    share_small(monkeypatch, least_halved)
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


def test_trainings_of_a_run_share_their_updates(tmp_path: Path) -> None:
    windows = make_small_windows()
    state = start(windows, config=CONFIG)
    training = RunTraining("PressEither", "flow", 3, CONFIG, state, tmp_path, ORIGIN, {})
    with SecondThread() as second:
        (update,) = shared_updates([training], windows, second)
        assert isinstance(update, CpuUpdate)
        torch.set_num_threads(2)
        (update,) = shared_updates([training], windows, second)
        assert not isinstance(update, CpuUpdate)


def test_evaluation_between_updates_is_plain() -> None:
    windows = make_small_windows()
    state: TrainingState = start(windows, config=CONFIG)
    with Diligent() as second:
        update = CpuUpdate(state, CONFIG, windows, second)
        update()
        assert not any("forward" in layer.__dict__ for layer in state.policy.modules())
        assert all(p.grad is None or p.grad.grad_fn is None for p in state.policy.parameters())


def test_a_gradient_is_forgotten_with_its_parameter() -> None:
    windows = make_small_windows()
    state = start(windows, config=CONFIG)
    with Diligent() as second:
        update = CpuUpdate(state, CONFIG, windows, second)
        update()
        gradients = [weakref.ref(p.grad) for p in update.parameters if p.grad is not None]
        assert gradients
        update.prepare()
        assert not any(gradient() is not None for gradient in gradients)


def second_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "second"]
