"""What a policy with an encoder sees in an evaluation: pictures, drawn only for its decisions."""

import numpy as np
import torch

from envs.pictures.renderer import PictureRenderer
from envs.pictures.states import PictureStates, picture_states
from envs.render import Image
from envs.task import BoolArray, IntArray
from envs.world import World
from fmbench.harness.rollout import Float32Array, Policy
from policies.actor import INFERENCE_ROWS
from policies.encoders.base import FrozenEncoder


class SightError(Exception):
    """Drawing or extraction failed, which is no failure of the policy; the cause says why."""


class Eyes:
    """Draws states, and reduces the pictures to stored features if the policy takes those.

    Args:
        renderer: An open renderer of the task.
        extractor: The frozen encoder of the features; None if the policy takes pictures.
        device: The device on which features are computed.
    """

    def __init__(
        self, renderer: PictureRenderer, extractor: FrozenEncoder | None, device: str = "cpu"
    ) -> None:
        self._renderer, self._device = renderer, device
        self._extractor = None if extractor is None else extractor.to(device)

    def see(self, states: PictureStates) -> Float32Array:
        """Return what is seen in n states, `(n, seen_dim)`: pixels from 0 to 255, or features."""
        return self.read(self._renderer.draw(states))

    def read(self, pictures: Image) -> Float32Array:
        """Return what is seen in pictures `(n, cameras, H, W, 3)` uint8; see `see`."""
        if self._extractor is None:
            return pictures.reshape(len(pictures), -1).astype(np.float32)
        features = self._extractor.extract(torch.from_numpy(pictures).to(self._device))
        seen: Float32Array = features.float().cpu().numpy()
        return seen


class SeeingPolicy:
    """A policy that observes what its eyes see beside the agent's own numbers.

    The states of the last `obs_horizon` observations of every row are kept, and are drawn when the
    policy decides. `watch` must be called at every observation (`WatchedWorld`).

    Args:
        policy: Decides from `(n, obs_horizon, agent_dim + seen_dim)`.
        eyes: What it sees with.
        agent_columns: The observed values that remain beside what is seen, `(obs_dim,)`.
    """

    def __init__(self, policy: Policy, eyes: Eyes, agent_columns: BoolArray) -> None:
        self.obs_horizon, self.exec_horizon = policy.obs_horizon, policy.exec_horizon
        self._policy, self._eyes, self._columns = policy, eyes, agent_columns
        self._past: list[PictureStates] = []

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes; see `Policy`."""
        self._policy.reset(rows, episode_seeds)

    def watch(self, world: World, rows: IntArray, observations: Float32Array) -> None:
        """Keep the states of rows that are observed now, the first one of an episode in all places.

        Args:
            world: The world.
            rows: The observed rows, `(n,)`.
            observations: Not used.
        """
        del observations
        if not self._past:
            blank = picture_states(world, world.all_rows)
            self._past = [blank.rows(world.all_rows) for _ in range(self.obs_horizon)]
        now, is_first = picture_states(world, rows), world.step_count[rows] == 0
        for older, newer in zip(self._past, self._past[1:], strict=False):
            _put(older, rows, newer.rows(rows))
        for states in self._past[:-1]:
            _put(states, rows[is_first], now.rows(np.flatnonzero(is_first)))
        _put(self._past[-1], rows, now)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide for `rows`; see `Policy`.

        Raises:
            SightError: A state cannot be drawn, or its features cannot be computed.
        """
        agent = observations[..., self._columns]
        parts = []
        for first in range(0, len(rows), INFERENCE_ROWS):  # pictures of all rows are many numbers
            block = slice(first, first + INFERENCE_ROWS)
            past = [states.rows(rows[block]) for states in self._past]
            seen = np.stack([self._see(states) for states in past], axis=1)
            window = np.concatenate((agent[block], seen), axis=-1)
            parts.append(self._policy.act(rows[block], window))
        actions, nfe = zip(*parts, strict=True)
        return np.concatenate(actions), np.concatenate(nfe)

    def _see(self, states: PictureStates) -> Float32Array:
        try:
            return self._eyes.see(states)
        except Exception as error:
            raise SightError(f"{type(error).__name__}: {error}") from error


def _put(states: PictureStates, rows: IntArray, values: PictureStates) -> None:
    """Write the states of some rows."""
    states.qpos[rows] = values.qpos
    for name, memory in states.memory.items():
        memory[rows] = values.memory[name]
