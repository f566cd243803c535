"""Training several policies together gives the same results as one after the other."""

from dataclasses import replace

import pytest
import torch

from fmbench.training.loop import NotFinite, Training, train, train_side_by_side, train_together
from fmbench.training.state import TrainConfig
from tests.fmbench.small_training import CONFIG, make_small_windows, start


def weights(state) -> list[torch.Tensor]:
    return [p.detach().clone() for p in state.ema.policy.parameters()]


@pytest.mark.parametrize("objective", ["flow", "meanflow"])
def test_seeds_trained_together_equal_those_trained_alone(objective: str) -> None:
    windows = make_small_windows()
    together = [start(windows, objective, seed) for seed in (3, 5)]
    assert train_together(together, CONFIG, windows)
    for seed, state in zip((3, 5), together, strict=True):
        alone = start(windows, objective, seed)
        train(alone, CONFIG, windows)
        assert state.update == alone.update == CONFIG.updates
        assert [e.loss for e in state.log] == [e.loss for e in alone.log]
        assert all(map(torch.equal, weights(state), weights(alone)))
    assert not all(map(torch.equal, *map(weights, together)))


def test_stopping_leaves_all_at_the_same_update() -> None:
    windows = make_small_windows()
    states = [start(windows, "flow", seed) for seed in (0, 1, 2)]
    stop = iter([False, False, False, True])
    assert not train_together(states, CONFIG, windows, should_stop=lambda: next(stop))
    assert [state.update for state in states] == [3, 3, 3]


def test_a_failure_identifies_the_training_that_failed() -> None:
    windows = make_small_windows()
    states = [start(windows, "bc", seed) for seed in (0, 1)]
    with torch.no_grad():
        next(states[1].policy.parameters()).fill_(float("nan"))
    with pytest.raises(NotFinite, match=r"update 1: loss nan.*lower learning rate") as caught:
        train_together(states, CONFIG, windows)
    assert caught.value.state is states[1]


def test_time_is_shared_between_the_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    windows = make_small_windows()
    states = [start(windows, "bc", seed) for seed in (0, 1)]
    train_together(states, TrainConfig(updates=4, batch_size=5), windows)
    assert [state.seconds for state in states] == [2.0, 2.0]


def test_trainings_of_different_recipes_side_by_side_equal_those_alone() -> None:
    windows = [make_small_windows() for _ in range(2)]
    configs = [CONFIG, replace(CONFIG, learning_rate=1e-2, weight_decay=0.1, warmup_updates=1)]
    together = [start(windows[0], "flow", 3, configs[0]), start(windows[1], "bc", 3, configs[1])]
    assert train_side_by_side(list(map(Training, together, configs, windows)))
    for name, state, config in zip(("flow", "bc"), together, configs, strict=True):
        alone = start(windows[0], name, 3, config)
        train(alone, config, windows[0])
        assert state.log == alone.log
        assert all(map(torch.equal, weights(state), weights(alone)))
