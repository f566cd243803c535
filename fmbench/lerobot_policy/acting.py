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
"""Batch size of every inference; fixed, because kernels round differently at other sizes."""
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
        batch: Rows of every inference, filled up by the last one; None is the number of the device.
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

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._noise.begin(rows, episode_seeds)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        seeds = self._noise.seeds(rows)
        actions, nfe = [], np.empty(len(rows), dtype=np.int64)
        for start in range(0, len(rows), self._batch):
            stop = min(start + self._batch, len(rows))
            order = np.minimum(np.arange(start, start + self._batch), stop - 1)
            with _inference(self._loaded), self._calls.counted():
                chunk = self._chunk(observations[order], [seeds[k] for k in order.tolist()])
            actions.append(chunk[: stop - start].numpy())
            nfe[start:stop] = self._calls.count
        return np.concatenate(actions), nfe

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
        self._memories: dict[int, dict[str, Any]] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._noise.begin(rows, episode_seeds)
        for row in rows.tolist():
            self._loaded.policy.reset()
            self._memories[row] = _memory(self._loaded.policy)

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
            self._memories[row] = {name: vars(policy)[name] for name in self._memories[row]}
            nfe[k] = self._calls.count
        return np.stack(actions), nfe


def _memory(policy: Any) -> dict[str, Any]:
    """Return a copy of what a policy remembers beside its networks and its configuration."""
    networks = {id(part): part for part in [*policy.modules(), *policy.parameters()]}
    own = {
        name: value
        for name, value in vars(policy).items()
        if name not in _OF_MODULES and name not in ("config", "training")
    }
    return {name: copy.deepcopy(value, dict(networks)) for name, value in own.items()}


_OF_MODULES = frozenset(vars(torch.nn.Module()))
"""What every module has."""


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
