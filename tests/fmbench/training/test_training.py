"""Training follows its schedule exactly, depends only on its seed, and stops at NaN."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from fmbench.errors import FmbenchError, RunFailed
from fmbench.training.checkpoint_facts import checkpoint_facts
from fmbench.training.checkpoints import load_policy, restore_checkpoint, save_checkpoint
from fmbench.training.ema import EMA
from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, build_policy
from policies import ChunkPolicyConfig
from policies.catalogue import POLICIES
from tests.fmbench.small_training import CONFIG, ORIGIN, all_bytes, make_small_windows, start
from tests.thorough import thoroughly

TRAINED = [name for name, objective in POLICIES.items() if objective.trains]
NOT_FALLING = ("drift", "consistency")
"""Drift's forces are normalised, and the targets of consistency move away as it learns."""


def test_learning_rate_warms_up_and_follows_half_a_cosine() -> None:
    config = TrainConfig(updates=8, learning_rate=2.0, warmup_updates=4)
    cosine = [1.0 + math.cos(math.pi * update / 8) for update in range(8)]
    factors = [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    expected = [factor * value for factor, value in zip(factors, cosine, strict=True)]
    rates = [config.learning_rate_at(update) for update in range(8)]
    assert rates == pytest.approx(expected, rel=1e-14)
    assert rates[4] == pytest.approx(1.0, rel=1e-14)
    assert TrainConfig(updates=8, warmup_updates=0).learning_rate_at(0) == 1e-3


def test_ema_is_the_exact_average_of_a_scalar() -> None:
    policy = build_policy(ChunkPolicyConfig(3, 2, width=4, depth=1), 0)
    (parameter, *_) = policy.parameters()
    parameter.data.fill_(0.0)
    slow, fast = EMA(policy, 0.999), EMA(policy, 0.1)
    (of_slow, *_), (of_fast, *_) = slow.policy.parameters(), fast.policy.parameters()
    parameter.data.fill_(1.0)
    slow.update(1)  # decay 2/11
    fast.update(1)  # decay 0.1
    assert of_slow.flatten()[0].item() == pytest.approx(9 / 11)
    assert of_fast.flatten()[0].item() == pytest.approx(0.9)
    parameter.data.fill_(3.0)
    slow.update(2)  # decay 3/12
    assert of_slow.flatten()[0].item() == pytest.approx(9 / 11 * 0.25 + 3.0 * 0.75)
    slow.update(10**6)
    assert of_slow.flatten()[0].item() == pytest.approx(27 / 11 * 0.999 + 0.003)
    assert not any(p.requires_grad for p in slow.policy.parameters())
    for decay in (-0.1, 1.0):
        with pytest.raises(ValueError, match=r"give a number in \[0, 1\)"):
            EMA(policy, decay)


def test_log_is_the_mean_loss_since_the_last_entry() -> None:
    windows = make_small_windows()
    every, fourth = start(windows), start(windows)
    train(every, TrainConfig(11, 5, warmup_updates=3, log_every=1), windows)
    train(fourth, CONFIG, windows)
    losses = [entry.loss for entry in every.log]
    assert [entry.update for entry in every.log] == list(range(1, 12))
    assert [entry.update for entry in fourth.log] == [4, 8, 11]
    means = [sum(losses[:4]) / 4, sum(losses[4:8]) / 4, sum(losses[8:]) / 3]
    assert [entry.loss for entry in fourth.log] == means
    assert [entry.learning_rate for entry in fourth.log] == [
        CONFIG.learning_rate_at(update) for update in (3, 7, 10)
    ]
    assert all_bytes(every) == all_bytes(fourth)
    assert fourth.pending_losses == []
    assert fourth.seconds > 0


@pytest.mark.parametrize(
    "objective",
    thoroughly(
        [name for name in TRAINED if name not in NOT_FALLING], always=["flow", "diffusion", "bc"]
    ),
)
def test_training_lowers_the_loss(objective: str) -> None:
    windows = make_small_windows()
    config = TrainConfig(150, 16, learning_rate=1e-2, warmup_updates=5, log_every=30)
    state = start(windows, objective, config=config, width=32)
    assert train(state, config, windows)
    assert state.log[-1].loss < 0.7 * state.log[0].loss


def test_the_loss_of_drift_says_nothing() -> None:
    """Its forces are normalised; see `policies.objectives.drift`."""
    windows = make_small_windows()
    config = TrainConfig(150, 16, learning_rate=1e-2, warmup_updates=5, log_every=30)
    state = start(windows, "drift", config=config, width=32)
    assert train(state, config, windows)
    assert state.log[-1].loss == pytest.approx(state.log[0].loss, rel=0.3)


@pytest.mark.parametrize("objective", TRAINED)
def test_interrupted_and_resumed_equals_uninterrupted(objective: str, tmp_path: Path) -> None:
    windows = make_small_windows()
    uninterrupted = start(windows, objective)
    assert train(uninterrupted, CONFIG, windows)

    first = start(windows, objective)
    assert not train(first, CONFIG, windows, should_stop=lambda: first.update == 6)
    save_checkpoint(tmp_path / "stopped", first, CONFIG, ORIGIN)
    assert not checkpoint_facts(tmp_path / "stopped").complete

    def save_at_7(update: int) -> None:
        if update == 7:
            save_checkpoint(tmp_path / "killed", first, CONFIG, ORIGIN)

    train(first, CONFIG, windows, on_update=save_at_7)
    assert all_bytes(first) == all_bytes(uninterrupted)
    for name in ("stopped", "killed"):
        second = start(windows, objective)
        restore_checkpoint(tmp_path / name, second, CONFIG, ORIGIN)
        assert second.seconds > 0
        assert train(second, CONFIG, windows)
        assert all_bytes(second) == all_bytes(uninterrupted)
        assert second.log == uninterrupted.log


def test_weights_depend_on_the_seed_alone() -> None:
    windows = make_small_windows()
    states = [start(windows, train_seed=seed) for seed in (3, 3, 4)]
    initial = [all_bytes(state) for state in states]
    assert initial[0] == initial[1]
    assert initial[0]["policy network.input.weight"] != initial[2]["policy network.input.weight"]
    for state in states:
        train(state, CONFIG, windows)
    trained = [all_bytes(state) for state in states]
    assert trained[0] == trained[1]
    assert trained[0]["policy network.output.weight"] != trained[2]["policy network.output.weight"]


def test_memorising_counts_as_all_updates(tmp_path: Path) -> None:
    windows = make_small_windows()
    state, restored = start(windows, "knn"), start(windows, "knn")
    assert not train(state, CONFIG, windows, should_stop=lambda: True)
    save_checkpoint(tmp_path / "before", state, CONFIG, ORIGIN)
    assert (state.update, checkpoint_facts(tmp_path / "before").complete) == (0, False)
    restore_checkpoint(tmp_path / "before", restored, CONFIG, ORIGIN)
    done: list[int] = []
    for memorising in (state, restored):
        assert train(memorising, CONFIG, windows, on_update=done.append)
    assert done == [11, 11]
    assert all_bytes(restored) == all_bytes(state)
    assert (state.update, state.log, state.pending_losses) == (11, [], [])
    assert 0 < state.seconds < 5
    save_checkpoint(tmp_path / "after", state, CONFIG, ORIGIN)
    assert checkpoint_facts(tmp_path / "after").complete is True
    resumed = start(windows, "knn")
    restore_checkpoint(tmp_path / "after", resumed, CONFIG, ORIGIN)
    assert train(resumed, CONFIG, windows, on_update=done.append)
    assert len(done) == 2
    policy, _ = load_policy(tmp_path / "after")
    observations, actions = windows.gather(torch.arange(14))
    torch.testing.assert_close(policy.sample(observations, pytest.fail).actions, actions)


def test_global_generators_are_unchanged() -> None:
    windows = make_small_windows()
    before = torch.get_rng_state(), random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    train(start(windows), CONFIG, windows)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), repr(np.random.get_state())) == before[1:]  # noqa: NPY002


def test_nan_ends_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    windows = make_small_windows()
    state = start(windows)

    def after(update: int) -> None:
        save_checkpoint(tmp_path / "checkpoint", state, CONFIG, ORIGIN)
        if update == 2:
            windows.actions.fill_(torch.nan)

    with pytest.raises(RunFailed, match=r"stopped at update 3: loss nan.*lower learning rate"):
        train(state, CONFIG, windows, on_update=after)
    with pytest.raises(RunFailed, match=r"failed by update 3: .* contains NaN .*lower learning"):
        save_checkpoint(tmp_path / "checkpoint", state, CONFIG, ORIGIN)
    assert checkpoint_facts(tmp_path / "checkpoint").update == 2
    restore_checkpoint(tmp_path / "checkpoint", start(make_small_windows()), CONFIG, ORIGIN)


def test_the_average_includes_every_update() -> None:
    windows = make_small_windows()
    state = start(windows)
    average = state.policy.network.input.weight.detach().clone()

    def follow(update: int) -> None:
        decay = min(CONFIG.ema_decay, (1 + update) / (10 + update))
        average.lerp_(state.policy.network.input.weight.detach(), 1.0 - decay)

    train(state, CONFIG, windows, on_update=follow)
    assert torch.equal(state.ema.policy.network.input.weight, average)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("updates", 0),
        ("batch_size", -1),
        ("log_every", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("gradient_clip", float("inf")),
    ],
)
def test_invalid_settings_are_rejected(name: str, value: float) -> None:
    with pytest.raises(FmbenchError, match=f"{name} is {value}; give a"):
        TrainConfig(**{name: value})
