"""Compilation of trained encoders: where it pays, that it changes no values, and how it fails."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from fmbench.training.compiled import LEAST_UPDATES, compile_encoders, is_worth_compiling
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.update import EagerUpdate
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig

STEPS, AGENT_DIM, ACT_DIM, SIZE = 12, 3, 2, 32
PIXELS = SIZE * SIZE * 3
CONFIG = TrainConfig(updates=LEAST_UPDATES, batch_size=4)
SEEING = ChunkPolicyConfig(
    AGENT_DIM + PIXELS,
    ACT_DIM,
    width=8,
    depth=1,
    encoder="resnet18",
    seen_dim=PIXELS,
    cameras=1,
    image_size=SIZE,
    features=4,
)


def windows(device: str = "cpu") -> Windows:
    """Return windows of random pictures."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(STEPS)[:, None]
    parts = (
        torch.randn(STEPS, AGENT_DIM, generator=generator),
        torch.rand(STEPS, ACT_DIM, generator=generator) * 2 - 1,
        (rows + torch.tensor([-1, 0])).clamp(min=0),
        (rows + torch.arange(16)).clamp(max=STEPS - 1),
        torch.randint(256, (STEPS, 1, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8),
    )
    return Windows(*(part.to(device) for part in parts))


@pytest.fixture
def state() -> TrainingState:
    return start_training(SEEING, CONFIG, windows(), 0)


def test_only_long_trainings_of_an_encoder_on_a_gpu_are_compiled(state: TrainingState) -> None:
    on_gpu = windows("meta")
    assert not is_worth_compiling(state, CONFIG, windows())
    assert not is_worth_compiling(state, replace(CONFIG, updates=LEAST_UPDATES - 1), on_gpu)
    object.__setattr__(on_gpu, "actions", _Claims(on_gpu.actions))
    assert is_worth_compiling(state, CONFIG, on_gpu)
    assert not is_worth_compiling(state, replace(CONFIG, updates=LEAST_UPDATES - 1), on_gpu)
    for parameter in state.policy.trained_eyes():
        parameter.requires_grad = False
    assert not is_worth_compiling(state, CONFIG, on_gpu)


class _Claims:
    """A tensor that states to be on a GPU, which no machine of CI has."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.device = torch.device("cuda", 0)
        self.shape = tensor.shape


@pytest.mark.thorough
def test_compilation_changes_no_loss_and_no_gradient(
    state: TrainingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = start_training(SEEING, CONFIG, windows(), 0)
    calls = _compile_with(monkeypatch, "aot_eager")
    assert compile_encoders([compiled], CONFIG, windows()) is None
    assert calls == [{"dynamic": False}]
    assert all(p.grad is None for p in compiled.policy.parameters()), "gradients of the trial stay"
    for _ in range(2):
        losses = [EagerUpdate(each, CONFIG, windows())()[0] for each in (state, compiled)]
        torch.testing.assert_close(*losses)
    pairs = zip(state.policy.parameters(), compiled.policy.parameters(), strict=True)
    for plain, other in pairs:
        torch.testing.assert_close(plain, other, rtol=1e-4, atol=1e-5)
    assert state.policy.state_dict().keys() == compiled.policy.state_dict().keys()
    assert compiled.seconds > 0


def test_failed_compilation_leaves_every_encoder_as_it_was(
    state: TrainingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no compiler\nmore about it")

    other = start_training(SEEING, CONFIG, windows(), 1)
    _compile_with(monkeypatch, broken)
    reason = compile_encoders([state, other], CONFIG, windows())
    assert reason == "RuntimeError: no compiler"
    for each in (state, other):
        loss, _ = EagerUpdate(each, CONFIG, windows())()
        assert loss.isfinite()


def _compile_with(monkeypatch: pytest.MonkeyPatch, backend: Any) -> list[dict[str, Any]]:
    """Let modules compile with another backend, quickly; return how they were asked to."""
    calls: list[dict[str, Any]] = []
    compile_module = nn.Module.compile

    def compiled(module: nn.Module, **options: Any) -> None:
        calls.append(options)
        compile_module(module, backend=backend, **options)

    monkeypatch.setattr(nn.Module, "compile", compiled)
    torch._dynamo.reset()
    return calls
