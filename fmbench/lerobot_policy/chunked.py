"""ACT and DiffusionPolicy in the harness: chunks for many rows at once."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from envs.task import IntArray
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot_policy.counting import NetworkCalls
from fmbench.lerobot_policy.deciding import DecisionSeeds, inference
from fmbench.lerobot_policy.loading import LoadedPolicy
from fmbench.lerobot_policy.observing import Observing

CPU_ROWS, GPU_ROWS = 16, 64
"""Batch size of every inference; fixed, because kernels round differently at other sizes.

So do elementwise functions of torch on a CPU at other places of an array, which is why an episode
has one place in all of its batches, given by its seed.
"""
ACT, DIFFUSION = "act", "diffusion"
STACKED = "observation.images"
"""LeRobot's name of the pictures of all cameras, in which DiffusionPolicy keeps them."""


def decides_chunks(kind: str, config: Any) -> bool:
    """Return whether policies of this type and configuration act as `ChunkedLeRobot`.

    Args:
        kind: The type.
        config: Its configuration, an object of LeRobot.
    """
    return kind == DIFFUSION or (kind == ACT and config.temporal_ensemble_coeff is None)


def executed_steps(kind: str, config: Any) -> int:
    """Return how many actions LeRobot executes of each chunk of such a policy.

    The chunk of DiffusionPolicy begins at the oldest observation, and the actions before the
    present one are left out: where fewer than `n_action_steps` follow, LeRobot executes these.

    Args:
        kind: The type.
        config: Its configuration, an object of LeRobot.
    """
    steps = int(config.n_action_steps)
    if kind == DIFFUSION:
        return min(steps, int(config.horizon) - int(config.n_obs_steps) + 1)
    return steps


class ChunkedLeRobot:
    """ACT without temporal ensembling, or DiffusionPolicy: chunks, executed as by LeRobot.

    Policies that see get pictures behind each observation; see `Observing`. The observations of a
    window are normalised one by one, as LeRobot does when it fills its queues; of the predicted
    actions, `executed_steps` are executed. The initial noise of DiffusionPolicy and that of each of
    its steps are drawn for each row alone.

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
        self.exec_horizon = executed_steps(kind, loaded.config)
        self._loaded, self._kind, self._observing = loaded, kind, observing
        self._batch = batch or (CPU_ROWS if loaded.device.type == "cpu" else GPU_ROWS)
        self._seeds, self._calls = DecisionSeeds(sampling_seed), NetworkCalls(loaded.policy, kind)
        self._places: dict[int, int] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._seeds.begin(rows, episode_seeds)
        places = (episode_seeds % self._batch).tolist()
        self._places.update(zip(rows.tolist(), places, strict=True))

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        seeds, nfe = self._seeds.take(rows), np.empty(len(rows), dtype=np.int64)
        size = (len(rows), self.exec_horizon, self._observing.task.act_dim)
        actions = np.empty(size, dtype=np.float32)
        for order, filled in self._batches(rows):
            with inference(self._loaded), self._calls.counted():
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
        """Return what the network sees, each feature `(B, n_obs_steps, ...)`."""
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
        if self._observing.pictures:  # (B, n_obs_steps, cameras, 3, size, size)
            pictures = [batch[name] for name in self._loaded.config.image_features]
            batch = {**batch, STACKED: torch.stack(pictures, dim=2)}
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        size = (model.config.horizon, model.config.action_feature.shape[0])
        noise = torch.stack([torch.randn(size, generator=g) for g in generators])
        model.conditional_sample = partial(model.conditional_sample, generator=generators)
        try:
            actions: Tensor = model.generate_actions(batch, noise=noise.to(self._loaded.device))
        finally:
            del model.conditional_sample  # the method of its class again
        return actions
