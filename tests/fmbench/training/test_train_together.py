"""Training several policies together gives the same results as one after the other."""

import pytest
import torch

from fmbench.training.loop import NotFinite, train, train_together
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
