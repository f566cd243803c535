"""With bf16, layers compute in bfloat16 in training; all stored tensors are float32."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fmbench.cli.session import Session
from fmbench.config import PRECISIONS, RunConfig
from fmbench.errors import FmbenchError
from fmbench.runs.trainer import Trainer
from fmbench.training.checkpoint_facts import checkpoint_facts
from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint
from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, TrainingState
from policies.catalogue import BACKBONES
from tests.fmbench.small_training import CONFIG, ORIGIN, make_small_windows, start
from tests.thorough import thoroughly

WINDOWS = make_small_windows()


def trained(precision: str, backbone: str, updates: int) -> TrainingState:
    config = TrainConfig(
        updates, 16, learning_rate=3e-3, warmup_updates=5, log_every=updates, precision=precision
    )
    state = start(WINDOWS, config=config, width=32, backbone=backbone)
    train(state, config, WINDOWS)
    return state


@pytest.mark.parametrize("backbone", thoroughly(BACKBONES, always=["mlp"]))
def test_both_precisions_reach_the_same_loss(backbone: str) -> None:
    full, half = (trained(precision, backbone, 120) for precision in PRECISIONS)
    assert half.log[-1].loss == pytest.approx(full.log[-1].loss, rel=0.02)
    assert half.log[-1].loss != full.log[-1].loss
    assert full.log[-1].loss < 0.9 * trained("fp32", backbone, 10).log[-1].loss


@pytest.mark.parametrize("precision", PRECISIONS)
def test_only_the_layers_compute_in_the_precision(precision: str) -> None:
    config, seen = replace(CONFIG, precision=precision), dict[str, set[torch.dtype]]()
    state = start(WINDOWS, config=config)

    def layer(_: nn.Module, inputs: object, output: Tensor) -> None:
        seen.setdefault("layers", set()).add(output.dtype)

    def network(_: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        seen.setdefault("inputs", set()).update(tensor.dtype for tensor in inputs)

    for module in state.policy.network.modules():
        if type(module) is nn.Linear:
            module.register_forward_hook(layer)
    state.policy.network.register_forward_hook(network)
    train(state, config, WINDOWS, should_stop=lambda: state.update == 2)
    layers = torch.bfloat16 if precision == "bf16" else torch.float32
    assert seen == {"layers": {layers}, "inputs": {torch.float32}}
    stored = [*state.policy.parameters(), *state.ema.policy.parameters(), *state.pending_losses]
    stored += [moment for moments in state.optimizer.state.values() for moment in moments.values()]
    assert {tensor.dtype for tensor in stored} == {torch.float32}
    assert not torch.is_autocast_enabled("cpu")


def test_a_checkpoint_of_another_precision_is_rejected(tmp_path: Path) -> None:
    state = start(WINDOWS)
    train(state, CONFIG, WINDOWS, should_stop=lambda: state.update == 2)
    save_checkpoint(tmp_path / "checkpoint", state, CONFIG, ORIGIN)
    assert checkpoint_facts(tmp_path / "checkpoint").training["precision"] == "fp32"
    other = replace(CONFIG, precision="bf16")
    with pytest.raises(FmbenchError, match='precision: "fp32" there, "bf16" now'):
        restore_checkpoint(tmp_path / "checkpoint", start(WINDOWS, config=other), other, ORIGIN)


def test_an_unknown_precision_is_rejected() -> None:
    with pytest.raises(FmbenchError, match=r"'bf61'.*bf16"):
        TrainConfig(precision="bf61")


def test_a_run_trains_in_its_precision(tmp_path: Path) -> None:
    config = RunConfig(task=("PressEither",), demos=4, precision="bf16")
    trainer = Trainer(config, tmp_path / "run", None, Session())
    assert trainer.train_config.precision == "bf16"
