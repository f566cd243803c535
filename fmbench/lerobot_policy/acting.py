"""Policies of LeRobot that act in the harness.

ACT and DiffusionPolicy decide for many rows at once, and a row's actions do not depend on the
others. All other policies act one row at a time, by their own `select_action`.
"""

import contextlib
import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from envs.task import IntArray
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot_policy.counting import NetworkCalls
from fmbench.lerobot_policy.loading import LoadedPolicy
from fmbench.lerobot_policy.observing import Observing
from policies.actor import EpisodeNoise
from policies.threads import one_thread

CPU_ROWS, GPU_ROWS = 16, 64
"""Batch size of every inference; fixed, because kernels round differently at other sizes.

So do some at other places of the batch, e.g. convolutions of torch on a CPU: an episode has one
place in all of its batches, given by its seed.
"""
ACT, DIFFUSION = "act", "diffusion"


def decides_chunks(kind: str, config: Any) -> bool:
    """Return whether policies of this type and configuration act as `ChunkedLeRobot`.

    Args:
        kind: The type.
        config: Its configuration, an object of LeRobot.
    """
    return kind == DIFFUSION or (kind == ACT and config.temporal_ensemble_coeff is None)


class _Noise:
    """A seed for each decision of each row: a function of the episode and its decisions so far."""

    def __init__(self, sampling_seed: int) -> None:
        self._sampling_seed = sampling_seed
        self._episodes: dict[int, EpisodeNoise] = {}

    def begin(self, rows: IntArray, episode_seeds: IntArray) -> None:
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            self._episodes[row] = EpisodeNoise(self._sampling_seed, seed)

    def seeds(self, rows: IntArray) -> list[int]:
        generators = [self._episodes[row].next_decision() for row in rows.tolist()]
        return [int(generator.integers(2**63)) for generator in generators]


class ChunkedLeRobot:
    """ACT without temporal ensembling, or DiffusionPolicy: chunks, executed as by LeRobot.

    The observations of a window are normalised one by one, as LeRobot does when it fills its
    queues; of the predicted actions, `n_action_steps` are executed. The initial noise of
    DiffusionPolicy and that of each of its steps are drawn for each row alone.

    Args:
        loaded: The policy.
        kind: Its type, `act` or `diffusion`.
        observing: What it sees.
        sampling_seed: Seed of all noise.
        batch: Rows of every inference, some of which may be idle; None is the number of the device.
    """

    def __init__(
        self,
        loaded: LoadedPolicy,
        kind: str,
        observing: Observing,
        sampling_seed: int = 0,
        batch: int | None = None,
    ) -> None:
        self.obs_horizon = int(loaded.config.n_obs_steps)
        self.exec_horizon = int(loaded.config.n_action_steps)
        self._loaded, self._kind, self._observing = loaded, kind, observing
        self._batch = batch or (CPU_ROWS if loaded.device.type == "cpu" else GPU_ROWS)
        self._noise, self._calls = _Noise(sampling_seed), NetworkCalls(loaded.policy, kind)
        self._places: dict[int, int] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._noise.begin(rows, episode_seeds)
        places = (episode_seeds % self._batch).tolist()
        self._places.update(zip(rows.tolist(), places, strict=True))

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        seeds, nfe = self._noise.seeds(rows), np.empty(len(rows), dtype=np.int64)
        size = (len(rows), self.exec_horizon, self._observing.task.act_dim)
        actions = np.empty(size, dtype=np.float32)
        for order, filled in self._batches(rows):
            with _inference(self._loaded), self._calls.counted():
                chunk = self._chunk(observations[order], [seeds[k] for k in order.tolist()])
            actions[order[filled]] = chunk.numpy()[filled]
            nfe[order[filled]] = self._calls.count
        return actions, nfe

    def _batches(self, rows: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield the batches in which all rows have their places.

        Yields:
            Which of `rows` is at each place, `(B,)`, and the places that are not idle; the idle
            ones hold a copy of another row.
        """
        waiting: dict[int, list[int]] = {}
        for k, row in enumerate(rows.tolist()):
            waiting.setdefault(self._places[row], []).append(k)
        while waiting:
            filled = np.array(sorted(waiting))
            order = np.full(self._batch, waiting[int(filled[0])][0])
            for place in filled.tolist():
                order[place] = waiting[place].pop(0)
                if not waiting[place]:
                    del waiting[place]
            yield order, filled

    def _chunk(self, windows: Float32Array, seeds: list[int]) -> Tensor:
        """Return the chunks of windows `(B, n_obs_steps, obs_dim)` on the CPU."""
        batch = self._normalised(windows)
        if self._kind == DIFFUSION:
            actions = self._diffuse(batch, seeds)
        else:
            latest = {name: values[:, -1] for name, values in batch.items()}
            actions = self._loaded.policy.predict_action_chunk(latest)[:, : self.exec_horizon]
        executed = self._loaded.denormalise(actions.flatten(0, 1))
        return executed.reshape(actions.shape).float().cpu()

    def _normalised(self, windows: Float32Array) -> dict[str, Tensor]:
        """Return what the network sees, each feature `(B, n_obs_steps, k)`."""
        features = self._observing.features(windows.reshape(-1, windows.shape[-1]))
        seen = self._loaded.normalise(features)
        return {name: seen[name].unflatten(0, windows.shape[:2]) for name in features}

    def _diffuse(self, batch: dict[str, Tensor], seeds: list[int]) -> Tensor:
        """Sample chunks, with a generator of its own for each row.

        LeRobot's sampling takes the initial noise and a generator, which it hands to diffusers;
        that takes a list of generators, one for each row. All noise is drawn on the CPU, so that it
        does not depend on the device.
        """
        model = self._loaded.policy.diffusion
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        size = (model.config.horizon, model.config.action_feature.shape[0])
        noise = torch.stack([torch.randn(size, generator=g) for g in generators])
        model.conditional_sample = partial(model.conditional_sample, generator=generators)
        try:
            actions: Tensor = model.generate_actions(batch, noise=noise.to(self._loaded.device))
        finally:
            del model.conditional_sample  # the method of its class again
        return actions


class SteppedLeRobot:
    """Any policy of LeRobot, one row and one control step at a time, by its `select_action`.

    What a policy remembers outside of its networks is kept for each row. Noise comes from torch's
    global generator, which is seeded for each row and step and then put back.

    Args:
        loaded: The policy.
        kind: Its type.
        observing: What it sees.
        sampling_seed: Seed of all noise.
    """

    obs_horizon = exec_horizon = 1

    def __init__(
        self, loaded: LoadedPolicy, kind: str, observing: Observing, sampling_seed: int = 0
    ) -> None:
        self._loaded, self._observing = loaded, observing
        self._noise, self._calls = _Noise(sampling_seed), NetworkCalls(loaded.policy, kind)
        self._first = _copied(_memory(loaded.policy), loaded.policy)
        self._memories: dict[int, dict[str, Any]] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._noise.begin(rows, episode_seeds)
        policy = self._loaded.policy
        for row in rows.tolist():
            vars(policy).update(_copied(self._first, policy))  # not the memory of another row
            policy.reset()
            self._memories[row] = _memory(policy)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        actions, nfe = [], np.empty(len(rows), dtype=np.int64)
        policy = self._loaded.policy
        for k, (row, seed) in enumerate(zip(rows.tolist(), self._noise.seeds(rows), strict=True)):
            vars(policy).update(self._memories[row])
            features: dict[str, Any] = dict(self._observing.features(observations[k]))
            features["task"] = [self._observing.task.description]
            with _inference(self._loaded), _seeded(seed, self._loaded), self._calls.counted():
                action = policy.select_action(self._loaded.normalise(features))
                actions.append(self._loaded.denormalise(action).float().cpu().numpy())
            self._memories[row] = _memory(policy)
            nfe[k] = self._calls.count
        return np.stack(actions), nfe


def _memory(policy: Any) -> dict[str, Any]:
    """Return what a policy remembers beside its networks and its configuration."""
    left_out = {*vars(torch.nn.Module()), "config"}
    return {name: value for name, value in vars(policy).items() if name not in left_out}


def _copied(memory: dict[str, Any], policy: Any) -> dict[str, Any]:
    """Return a copy of a memory, which shares the networks."""
    networks = {id(part): part for part in [*policy.modules(), *policy.parameters()]}
    copied: dict[str, Any] = copy.deepcopy(memory, networks)
    return copied


@contextlib.contextmanager
def _inference(loaded: LoadedPolicy) -> Iterator[None]:
    """Infer as LeRobot's evaluation does, on one thread."""
    mixed = (
        torch.autocast(loaded.device.type)
        if getattr(loaded.config, "use_amp", False)
        else contextlib.nullcontext()
    )
    with one_thread(), torch.inference_mode(), mixed:
        yield


@contextlib.contextmanager
def _seeded(seed: int, loaded: LoadedPolicy) -> Iterator[None]:
    """Seed torch's global generators inside, and put them back."""
    devices = [loaded.device] if loaded.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
