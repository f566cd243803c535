"""Disturb an expert's commands with temporally correlated noise while demonstrations are made."""

import numpy as np

from envs.hand import WRIST_JOINTS
from envs.task import FloatArray, IntArray
from envs.world import World, episode_generator

CORRELATION = 0.9  # from one control step to the next: a time constant of 0.4 s
FINGER_STD_RAD = 0.03
WRIST_SLIDE_STD_M = 0.003
WRIST_HINGE_STD_RAD = 0.02


class CommandNoise:
    """First-order autoregressive noise on every position target, one generator per episode.

    Demonstrations keep the undisturbed command as the label, so that a policy sees the states
    that disturbances lead to together with what the expert did about them (Laskey et al. 2017,
    DART, arXiv:1703.09327).

    Args:
        world: Where commands will be disturbed.
        scale: Factor on the standard deviations above; 0 disturbs nothing.
    """

    def __init__(self, world: World, scale: float = 1.0) -> None:
        if not (np.isfinite(scale) and scale >= 0.0):
            raise ValueError(f"The noise scale is {scale}; give a number of at least 0.")
        self.scale, self._task = scale, world.task
        stds = [
            (WRIST_SLIDE_STD_M if name in WRIST_JOINTS[:3] else WRIST_HINGE_STD_RAD)
            if name in WRIST_JOINTS
            else FINGER_STD_RAD
            for name in world.task.action_names
        ]
        half_range = 0.5 * (world.task.hand.high - world.task.hand.low)
        self._std: FloatArray = scale * np.array(stds) / half_range
        self._noise = np.zeros((world.num_sims, world.task.horizon, world.task.act_dim))

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Draw the noise of whole episodes."""
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            rng = episode_generator(self._task, seed, "command_noise")
            white = rng.standard_normal(self._noise[row].shape)
            white[1:] *= np.sqrt(1.0 - CORRELATION**2)
            for step in range(1, len(white)):
                white[step] += CORRELATION * white[step - 1]
            self._noise[row] = white * self._std

    def disturb(self, rows: IntArray, steps: IntArray, actions: np.ndarray) -> np.ndarray:
        """Return the executed actions, (n, act_dim) float32 in [-1, 1]."""
        return np.clip(actions + self._noise[rows, steps], -1.0, 1.0).astype(np.float32)
