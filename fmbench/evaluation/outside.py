"""Policies from outside of fmbench: what the harness and the rows need to know of them."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.pictures.renderer import PictureRenderer
from envs.world import World
from fmbench.evaluation.cells import Cell
from fmbench.harness.rollout import Policy
from fmbench.storage.rows import MeasurementRow
from policies.threads import one_thread

DIRECT = "direct"
"""Sampler of a policy that does not sample: one evaluation of its network is one decision."""
SLOW_STEPS, SLOW_CALLS, FAST_CALLS = 50, 30, 100  # latency: as for the policies of fmbench


@dataclass(frozen=True)
class OutsideSight:
    """The pictures that a policy from outside observes beside every observation.

    Its windows are `(n, obs_horizon, obs_dim + pixels)`: behind the observation the pictures of its
    state, `shape`, flattened, pixels from 0 to 255. They are drawn when it decides, as for the
    policies of fmbench.

    Attributes:
        renderer: An open renderer.
        shape: Shape of the pictures of one state, `(cameras, size, size, 3)`.
        identity: What decides the pictures, in one line: renderer, cameras, and a hash.
    """

    renderer: PictureRenderer
    shape: tuple[int, ...]
    identity: str


@dataclass(frozen=True)
class OutsideCheckpoint:
    """The weights of one training of a policy from outside, ready to act.

    Attributes:
        make: Returns the policy that acts in the rollouts. An episode must not depend on which
            others are in its batch.
        weights: Hash of the weights, a sha256.
        parameters: Number of parameters of what acts.
        updates: Gradient steps of the training; 0 if that is not known.
        training_time_s: Duration of the training [s], if it is known.
        rows_per_update: Rows of the network in an update, per row of its batch, if that is known.
        make_single: Returns the policy as it acts alone, which is timed: without padding of its
            batch. None is `make`.
        make_in: Returns the policy that acts in a world of which it reads more than observations,
            such as goals. None is `make`, whatever the world.
        learning: Points of its training, if it has learnt from its own steps: environment steps,
            share of its last episodes that succeeded, and their mean return.
        sight: The pictures that it observes; None if it observes the state alone.
    """

    make: Callable[[], Policy]
    weights: str
    parameters: int
    updates: int = 0
    training_time_s: float | None = None
    rows_per_update: float | None = None
    make_single: Callable[[], Policy] | None = None
    make_in: Callable[[World], Policy] | None = None
    learning: Sequence[tuple[int, float, float]] = ()
    sight: OutsideSight | None = None


@dataclass(frozen=True)
class OutsidePolicy:
    """A policy from outside, with the checkpoints of all of its trainings.

    Attributes:
        name: Its name in rows, e.g. `lerobot-act`: small letters, digits and hyphens.
        label: Its name in tables and figures.
        colour: Its colour in figures, "#rrggbb"; see `policies.catalogue.MORE_COLOURS`.
        task: The task on which it acts.
        checkpoints: One per training seed; number k is the training seed k of the rows.
        backbone: Name of its network.
        sampler: How it samples; `DIRECT` if it does not.
        steps: Steps of the sampler; 1 if it does not sample.
        demos: Demonstrations from which it has learnt; 0 for none.
        demonstrations: Hash of these, a sha256; "" for none.
        settings: Further values of its configuration, by the names of `RunConfig` where it has
            them, e.g. `obs_horizon`, `pred_horizon`, `exec_horizon`, `updates`, `batch_size`.
        versions: Package to its version, of those that decide its actions besides fmbench's own.
        facts: Whatever else identifies it, as JSON values; a run is only resumed with the same.
        keeps: Names of what its training has put into the run's folder.
    """

    name: str
    label: str
    colour: str
    task: str
    checkpoints: Sequence[OutsideCheckpoint]
    backbone: str
    sampler: str = DIRECT
    steps: int = 1
    demos: int = 0
    demonstrations: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    keeps: Sequence[str] = ()

    def cell(self, train_seed: int) -> Cell:
        """Return the cell of one of its checkpoints."""
        return Cell(self.task, self.name, self.sampler, self.steps, train_seed)

    @property
    def sight(self) -> OutsideSight | None:
        """The pictures that its checkpoints observe; None if they observe the state alone."""
        return self.checkpoints[0].sight


def measure_outside(
    cell: Cell, checkpoint: OutsideCheckpoint, obs_dim: int, times_decisions: bool = True
) -> MeasurementRow:
    """Time decisions of a policy from outside, and report the cost of its training.

    Args:
        cell: Its cell.
        checkpoint: Its weights.
        obs_dim: Numbers in one observation of the task.
        times_decisions: Whether to time decisions; if not, the row has no latency.
    """
    p50, p95 = _latency_ms(cell, checkpoint, obs_dim) if times_decisions else (None, None)
    return MeasurementRow(
        **cell.cell,
        headline=cell.headline,
        parameters=checkpoint.parameters,
        updates=checkpoint.updates,
        training_time_s=checkpoint.training_time_s,
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        rows_per_update=checkpoint.rows_per_update,
    )


def _latency_ms(cell: Cell, checkpoint: OutsideCheckpoint, obs_dim: int) -> tuple[float, float]:
    """Return the median and the 95th percentile of one decision's time, alone [ms].

    As with the policies of fmbench, observations are standard normal, pictures are noise that is
    already there, and torch has one thread.
    """
    policy = (checkpoint.make_single or checkpoint.make)()
    is_slow = cell.steps >= SLOW_STEPS or checkpoint.sight is not None
    calls = SLOW_CALLS if is_slow else FAST_CALLS
    warm_up = max(5, calls // 5)
    row, seed = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    generator = np.random.default_rng(0)
    size = (1, policy.obs_horizon, obs_dim)
    observations = generator.standard_normal(size, dtype=np.float32)
    if checkpoint.sight is not None:
        seen = (*size[:2], math.prod(checkpoint.sight.shape))
        pixels = generator.integers(256, size=seen).astype(np.float32)
        observations = np.concatenate((observations, pixels), axis=-1)
    seconds = np.empty(warm_up + calls)
    with one_thread():
        policy.reset(row, seed)
        for call in range(warm_up + calls):
            start = time.perf_counter()
            policy.act(row, observations)
            seconds[call] = time.perf_counter() - start
    times = 1e3 * seconds[warm_up:]
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))
