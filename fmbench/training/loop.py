"""The training loop: counts and logs updates, and stops at NaN or infinity."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fmbench.errors import RunFailed
from fmbench.training.cpu_update import CpuUpdate
from fmbench.training.second_thread import SecondThread
from fmbench.training.state import LogEntry, TrainConfig, TrainingState
from fmbench.training.update import EagerUpdate, GraphUpdate, Update
from fmbench.training.windows import Windows


class NotFinite(RunFailed):
    """A loss or a gradient is NaN or infinite.

    Args:
        message: The error message.
        state: The training that failed.
    """

    def __init__(self, message: str, state: TrainingState) -> None:
        super().__init__(message)
        self.state = state


class Training(NamedTuple):
    """One training: what it changes, how, and on which data."""

    state: TrainingState
    config: TrainConfig
    windows: Windows


def train(
    state: TrainingState,
    config: TrainConfig,
    windows: Windows,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_update: Callable[[int], None] = lambda update: None,
) -> bool:
    """Train until the configured number of updates, or until `should_stop` returns true.

    A policy without a network memorises the windows instead, which counts as all updates.

    Args:
        state: Changed in place.
        config: The same as at the start of training.
        windows: The same as at the start of training.
        should_stop: Called before each update.
        on_update: Called after each update with the number of completed updates.

    Returns:
        Whether training is complete.

    Raises:
        NotFinite: The loss or the gradient became NaN or infinite.
    """
    return train_together([state], config, windows, should_stop=should_stop, on_update=on_update)


def train_together(
    states: Sequence[TrainingState],
    config: TrainConfig,
    windows: Windows,
    *,
    updates: Sequence[Update] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_update: Callable[[int], None] = lambda update: None,
) -> bool:
    """Train several policies in the same way on the same windows; see `train_side_by_side`."""
    if not states[0].policy.objective.trains:
        return _memorise_together(states, config, windows, should_stop, on_update)
    trainings = [Training(state, config, windows) for state in states]
    return train_side_by_side(
        trainings, updates=updates, should_stop=should_stop, on_update=on_update
    )


def train_side_by_side(
    trainings: Sequence[Training],
    *,
    updates: Sequence[Update] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_update: Callable[[int], None] = lambda update: None,
) -> bool:
    """Train several policies with a network, one update of each in turn; see `train`.

    On a CUDA device their updates overlap, because one small network leaves most of it idle. On a
    CPU a second thread shares each update while there is a processor for it, if torch itself uses
    one thread, as in all commands. The result of a policy depends neither on the others nor on
    which thread does what. All must have made the same number of updates on one device, and have
    the same number to make and to log. Read their tensors in `on_update` only at logged updates;
    between them they may be changing.

    Args:
        trainings: Their states are changed in place.
        updates: How each is updated, e.g. as part of a stack; None is each by itself.
        should_stop: See `train`.
        on_update: See `train`.
    """
    if updates is not None:
        return _make_all(updates, trainings, should_stop, on_update)
    with SecondThread() as thread:
        updates = [make_update(*training, thread) for training in trainings]
        return _make_all(updates, trainings, should_stop, on_update)


def _make_all(
    updates: Sequence[Update],
    trainings: Sequence[Training],
    should_stop: Callable[[], bool],
    on_update: Callable[[int], None],
) -> bool:
    """Make the updates that are left; see `train_side_by_side`."""
    started = time.perf_counter()
    states = [training.state for training in trainings]
    config = trainings[0].config
    on_cpu = trainings[0].windows.actions.device.type == "cpu"
    while states[0].update < config.updates:
        if should_stop():
            _wait(updates)
            return False
        results = [update() for update in updates]  # loss and gradient norm of each
        is_logged = states[0].update % config.log_every == 0
        is_logged |= states[0].update == config.updates
        if is_logged:
            _wait(updates)
        for training, (loss, norm) in zip(trainings, results, strict=True):
            state = training.state
            state.pending_losses.append(loss)
            if is_logged:
                _log(state, training.config, norm)
            elif on_cpu:  # on a GPU this would wait for the device at every update
                _check_finite(state, float(loss), float(norm))
        now = time.perf_counter()
        for state in states:
            state.seconds += (now - started) / len(states)
        started = now
        on_update(states[0].update)
        if is_logged:  # nothing is under way; a checkpoint or a report is no training time
            started = time.perf_counter()
    return True


def _memorise_together(
    states: Sequence[TrainingState],
    config: TrainConfig,
    windows: Windows,
    should_stop: Callable[[], bool],
    on_update: Callable[[int], None],
) -> bool:
    """Store the windows in policies without a network, and in their averages."""
    for state in states:
        if state.update < config.updates:
            if should_stop():
                return False
            started = time.perf_counter()
            for policy in (state.policy, state.ema.policy):
                policy.memorise(
                    windows.observations,
                    windows.actions,
                    windows.observation_index,
                    windows.action_index,
                )
            state.update = config.updates
            state.seconds += time.perf_counter() - started
            on_update(state.update)
    return True


def make_update(
    state: TrainingState, config: TrainConfig, windows: Windows, thread: SecondThread | None = None
) -> Update:
    """Return the update of one training by itself.

    Args:
        state: Changed in place by the update.
        config: The training configuration.
        windows: The training data.
        thread: Shares the work on a CPU; with None products are not halved, which may round
            otherwise.
    """
    device = windows.actions.device.type
    if device == "cuda" and state.policy.objective.capturable:
        return GraphUpdate(state, config, windows)
    if device == "cpu" and thread is not None and torch.get_num_threads() == 1:
        return CpuUpdate(state, config, windows, thread)
    return EagerUpdate(state, config, windows)


def _wait(updates: Sequence[Update]) -> None:
    """Wait until all started updates are complete."""
    for update in updates:
        update.wait()


def _log(state: TrainingState, config: TrainConfig, norm: Tensor) -> None:
    losses = state.losses_since_log()
    mean = sum(losses) / len(losses)
    _check_finite(state, mean, float(norm))
    rate = config.learning_rate_at(state.update - 1)
    state.log.append(LogEntry(state.update, mean, rate, float(norm)))
    state.pending_losses.clear()


def _check_finite(state: TrainingState, loss: float, norm: float) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise NotFinite(
            f"training stopped at update {state.update}: loss {loss}, gradient norm {norm}; "
            "try a lower learning rate",
            state,
        )
