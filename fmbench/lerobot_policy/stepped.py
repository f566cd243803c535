"""Any policy of LeRobot in the harness: one row and one control step at a time."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from envs.task import IntArray
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot_policy.counting import NetworkCalls
from fmbench.lerobot_policy.deciding import DecisionSeeds, inference
from fmbench.lerobot_policy.loading import LoadedPolicy
from fmbench.lerobot_policy.observing import Observing


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
        self._seeds, self._calls = DecisionSeeds(sampling_seed), NetworkCalls(loaded.policy, kind)
        self._first = _copied(_memory(loaded.policy), loaded.policy)
        self._memories: dict[int, dict[str, Any]] = {}

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._seeds.begin(rows, episode_seeds)
        policy = self._loaded.policy
        for row in rows.tolist():
            vars(policy).update(_copied(self._first, policy))  # not the memory of another row
            policy.reset()
            self._memories[row] = _memory(policy)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        actions, nfe = [], np.empty(len(rows), dtype=np.int64)
        policy = self._loaded.policy
        for k, (row, seed) in enumerate(zip(rows.tolist(), self._seeds.take(rows), strict=True)):
            vars(policy).update(self._memories[row])
            features: dict[str, Any] = dict(self._observing.features(observations[k]))
            features["task"] = [self._observing.task.description]
            with inference(self._loaded), _seeded(seed, self._loaded), self._calls.counted():
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
def _seeded(seed: int, loaded: LoadedPolicy) -> Iterator[None]:
    """Seed torch's global generators inside, and put them back."""
    devices = [loaded.device] if loaded.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
