"""Correlated, signal-dependent noise on an expert's commands during demonstrations."""

import numpy as np

from envs.episode_streams import episode_generator
from envs.hand.hand import WRIST_JOINTS, name_without_side
from envs.scene import CONTROL_PERIOD_S
from envs.task import FloatArray, IntArray
from envs.world import World

CORRELATION = 0.9  # after 0.04 s: a time constant of 0.4 s
# Standard deviation at full motion, and the distance from the target that counts as full motion.
FINGER_STD_RAD, FINGER_MOTION_RAD = 0.04, 0.10
WRIST_SLIDE_STD_M, WRIST_SLIDE_MOTION_M = 0.004, 0.010
WRIST_HINGE_STD_RAD, WRIST_HINGE_MOTION_RAD = 0.03, 0.05
# Adroit's arm, in units of its targets (500 N or N m per unit): 2-3 mm at the palm.
ADROIT_SLIDE_STD_M, ADROIT_SLIDE_MOTION_M = 0.008, 0.020
ADROIT_HINGE_STD_RAD, ADROIT_HINGE_MOTION_RAD = 0.002, 0.020
# Its episodes last 2 s instead of about 8 s, and its wrist and finger servos have a third of the
# stiffness of our hand.
ADROIT_WRIST_STD_RAD, ADROIT_FINGER_STD_RAD = 0.015, 0.020
ADROIT_FINGERS = ("FFJ", "MFJ", "RFJ", "LFJ", "THJ")


class CommandNoise:
    """First-order autoregressive noise on every position target, one generator per episode.

    Its standard deviation grows with the commanded motion, as in human movement (Harris and Wolpert
    1998, Nature 394:780): a joint at its target is not disturbed. A waiting hand therefore looks
    the same in every demonstration and does not reveal its next action.

    Demonstrations store the undisturbed command as the label, so that a policy learns the expert's
    corrections in disturbed states (Laskey et al. 2017, DART, arXiv:1703.09327).

    Args:
        world: The world in which commands are disturbed.
        scale: Factor on the standard deviations above; 0 disables the noise.
    """

    def __init__(self, world: World, scale: float = 1.0) -> None:
        if not (np.isfinite(scale) and scale >= 0.0):
            raise ValueError(f"The noise scale is {scale}; give a number of at least 0.")
        self.scale, self._world = scale, world
        task = world.task
        figures = np.array([_figures(name_without_side(name)) for name in task.action_names])
        half_range = 0.5 * (task.hand.high - task.hand.low)
        self._std: FloatArray = scale * figures[:, 0] / half_range
        self._full_motion: FloatArray = figures[:, 1] / half_range
        self._correlation = CORRELATION ** (task.control_period_s / CONTROL_PERIOD_S)
        self._noise = np.zeros((world.num_sims, world.horizon, task.act_dim))

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Draw the noise of complete episodes."""
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            rng = episode_generator(self._world.task, seed, "command_noise")
            noise = rng.standard_normal(self._noise[row].shape)
            noise[1:] *= np.sqrt(1.0 - self._correlation**2)
            for step in range(1, len(noise)):
                noise[step] += self._correlation * noise[step - 1]
            self._noise[row] = noise * self._std

    def disturb(self, rows: IntArray, steps: IntArray, actions: np.ndarray) -> np.ndarray:
        """Return the executed actions, (n, act_dim) float32 in [-1, 1]."""
        task = self._world.task
        joints = task.action(task.resting_command(self._world.view(rows)))
        motion = np.minimum(1.0, np.abs(actions - joints) / self._full_motion)
        disturbed = actions + motion * self._noise[rows, steps]
        return np.clip(disturbed, -1.0, 1.0).astype(np.float32)


def _figures(joint: str) -> tuple[float, float]:
    """Return a joint's standard deviation and full motion [m or rad]."""
    if joint.startswith("ART"):
        return ADROIT_SLIDE_STD_M, ADROIT_SLIDE_MOTION_M
    if joint.startswith("ARR"):
        return ADROIT_HINGE_STD_RAD, ADROIT_HINGE_MOTION_RAD
    if joint.startswith("WRJ"):
        return ADROIT_WRIST_STD_RAD, WRIST_HINGE_MOTION_RAD
    if joint.startswith(ADROIT_FINGERS):
        return ADROIT_FINGER_STD_RAD, FINGER_MOTION_RAD
    if joint not in WRIST_JOINTS:
        return FINGER_STD_RAD, FINGER_MOTION_RAD
    if joint in WRIST_JOINTS[:3]:
        return WRIST_SLIDE_STD_M, WRIST_SLIDE_MOTION_M
    return WRIST_HINGE_STD_RAD, WRIST_HINGE_MOTION_RAD
