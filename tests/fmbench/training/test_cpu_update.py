"""Updates on a CPU: their bytes do not depend on which thread does what."""

import sys
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from fmbench.runs.sharing import RunTraining, shared_updates
from fmbench.training import cpu_update, loop, shared_products
from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint
from fmbench.training.cpu_update import CpuUpdate
from fmbench.training.loop import NotFinite, train
from fmbench.training.second_thread import SecondThread
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import EagerUpdate
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.second_threads import Diligent, Idle, second_threads
from tests.fmbench.small_training import ORIGIN, all_bytes, make_small_windows, start

TRAINED = [name for name, objective in POLICIES.items() if objective.trains]
CONFIG = TrainConfig(updates=6, batch_size=7, warmup_updates=2, log_every=2, gradient_clip=0.5)


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


def test_a_policy_without_weights_has_updates_too() -> None:
    windows = make_small_windows()
    for objective in set(POLICIES) - set(TRAINED):
        state = start(windows, objective, config=CONFIG)
        assert not list(state.policy.parameters())
        with Idle() as second:
            CpuUpdate(state, CONFIG, windows, second)


def test_a_batch_drawn_ahead_can_be_forgotten() -> None:
    windows = make_small_windows()
    plain, shared = (start(windows, config=CONFIG) for _ in range(2))
    with Diligent() as second:
        first, other = (
            EagerUpdate(plain, CONFIG, windows),
            CpuUpdate(shared, CONFIG, windows, second),
        )
        for waits in (True, False, True, True):
            first(), other()
            if waits:
                other.wait()
                assert torch.equal(shared.generator.get_state(), plain.generator.get_state())
    for ours, theirs in zip(shared.policy.parameters(), plain.policy.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
