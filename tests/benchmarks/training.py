"""Time updates of the default network for every objective, the share of data loading, and threads.

Two threads share an update on a CPU. It is compared with a plain one on one thread, also while the
second thread does nothing: what remains beside another program that needs a processor.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from envs.registry import make_task
from fmbench.config import RunConfig
from fmbench.data.store import Demonstrations
from fmbench.training.cpu_update import CpuUpdate
from fmbench.training.loop import train
from fmbench.training.second_thread import SecondThread
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.update import EagerUpdate, Update
from fmbench.training.windows import Windows, make_windows
from policies import ChunkPolicyConfig
from policies.catalogue import POLICIES
from tests.benchmarks.interleaved import in_turn, ratio, spread, timed
from tests.benchmarks.report import Row

CONFIG = RunConfig()
TRAIN = TrainConfig(batch_size=CONFIG.batch_size)
TRAINED = [name for name, objective in POLICIES.items() if objective.trains]
EPISODE_STEPS = 110  # about a LiftCube demonstration
UPDATES, ROUNDS, DATA_LIMIT = 60, 7, 5.0


def measure() -> list[Row]:
    """Return updates per second and the share of data loading [%], on one and two threads."""
    windows, before = random_windows(), torch.get_num_threads()
    try:
        results = [_on_threads(threads, windows) for threads in (1, 2)]
        torch.set_num_threads(1)
        shared = _shared(windows)
    finally:
        torch.set_num_threads(before)
    rates, shares = zip(*results, strict=True)
    return [row for rows in (shared, *rates, *shares) for row in rows]


class _Absent(SecondThread):
    """A second thread that never finds a processor."""

    def _work(self, threads: int) -> None:
        pass


def _shared(windows: Windows) -> list[Row]:
    """Return the time of an update that two threads share, over that of a plain one."""
    with SecondThread() as thread, _Absent() as absent:
        plain, shared, alone = (_start("flow", windows) for _ in range(3))
        updates: dict[str, Update] = {
            "plain": EagerUpdate(plain, TRAIN, windows),
            "shared by two threads": CpuUpdate(shared, TRAIN, windows, thread),
            "shared, second thread absent": CpuUpdate(alone, TRAIN, windows, absent),
        }
        times = in_turn({name: timed(_repeated(each)) for name, each in updates.items()}, ROUNDS)
    of_plain = times.pop("plain")
    return [
        Row(
            f"flow update, {name} / plain",
            ratio(each.wall, of_plain.wall),
            cpu=ratio(each.cpu, of_plain.cpu),
        )
        for name, each in times.items()
    ]


def _repeated(update: Update) -> Callable[[], None]:
    def run() -> None:
        for _ in range(UPDATES):
            update()

    return run


def _on_threads(threads: int, windows: Windows) -> tuple[list[Row], list[Row]]:
    """Return rates and shares of all objectives; thread counts are not interleaved."""
    torch.set_num_threads(threads)
    alternatives = {"data": timed(lambda: _gather(windows))}
    alternatives |= {name: timed(_trainer(name, windows)) for name in TRAINED}
    times = in_turn(alternatives, ROUNDS)
    rates, shares = [], []
    for objective in TRAINED:
        name, wall = f"{objective}, torch threads: {threads}", times[objective].wall
        share = ratio(100 * times["data"].wall, wall)
        rates.append(Row(name, spread(UPDATES / wall), 0, "updates/s"))
        shares.append(Row(f"{name}, data's share", share, 1, "%", limit=DATA_LIMIT))
    return rates, shares


def random_windows() -> Windows:
    """Return random windows of LiftCube's shapes; speed does not depend on values."""
    task, rng = make_task("LiftCube"), np.random.default_rng(0)
    steps = CONFIG.demos * EPISODE_STEPS
    actions = rng.uniform(-1.0, 1.0, (steps, task.act_dim)).astype(np.float32)
    observations = rng.standard_normal((steps + CONFIG.demos, task.obs_dim), np.float32)
    lengths = np.full(CONFIG.demos, EPISODE_STEPS)
    data = Demonstrations(observations, actions, actions, lengths, "", {})
    return make_windows(data, CONFIG.obs_horizon, CONFIG.pred_horizon)


def _start(objective: str, windows: Windows) -> TrainingState:
    """Return a training of the default network."""
    policy = ChunkPolicyConfig(
        windows.observations.shape[1],
        windows.actions.shape[1],
        CONFIG.obs_horizon,
        CONFIG.pred_horizon,
        objective,
        CONFIG.prediction,
        width=256,
        depth=3,
    )
    teacher = None
    if (teacher_name := POLICIES[objective].teacher) is not None:
        teacher = start_training(replace(policy, objective=teacher_name), TRAIN, windows, 0).policy
    return start_training(policy, TRAIN, windows, train_seed=0, teacher=teacher)


def _trainer(objective: str, windows: Windows) -> Callable[[], object]:
    """Return a function that makes the next updates of a training."""
    state = _start(objective, windows)

    def run() -> None:
        end = state.update + UPDATES
        train(state, TRAIN, windows, should_stop=lambda: state.update >= end)

    return run


def _gather(windows: Windows) -> None:
    """Draw indices and gather batches, as updates do before the network."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(UPDATES):
        windows.gather(torch.randint(len(windows), (TRAIN.batch_size,), generator=generator))
