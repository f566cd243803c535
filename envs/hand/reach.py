"""Fingertip inverse kinematics of any described hand."""

from collections.abc import Mapping

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand
from envs.hand.kinematics import _damped_step as damped_step  # a new name: new keys of data
from envs.hand.loading import LoadedHand, load_hand
from envs.names import unknown

WITHIN_M = 0.001


def reach_fingertips(
    hand: Hand, targets: Mapping[str, FloatArray], initial: FloatArray, within_m: float = WITHIN_M
) -> FloatArray:
    """Return position targets at which fingertips are at given points.

    Args:
        hand: The hand.
        targets: Desired tip centre of each named finger, (3,) [m], palm frame.
        initial: As in `solve_fingertips`.
        within_m: Largest remaining distance of a tip [m].

    Raises:
        ValueError: A finger does not reach its point; the message has the distance that remains.
    """
    posture, errors = solve_fingertips(hand, targets, initial)
    finger = max(errors, key=errors.__getitem__)
    if not errors[finger] <= within_m:
        point = ", ".join(f"{value:.3f}" for value in targets[finger])
        raise ValueError(
            f"hand {hand.name}: {finger} does not reach ({point}) m in the palm frame: "
            f"{1000 * errors[finger]:.1f} mm remain, {1000 * within_m:g} mm are accepted; give a "
            "nearer point, or another initial posture"
        )
    return posture


def solve_fingertips(
    hand: Hand, targets: Mapping[str, FloatArray], initial: FloatArray, iterations: int = 120
) -> tuple[FloatArray, dict[str, float]]:
    """Solve fingertip inverse kinematics by damped least squares inside all limits.

    Args:
        hand: The hand.
        targets: Desired tip centre of each named finger, (3,) [m], palm frame.
        initial: Position targets to start from and to stay near, (act_dim,) [rad]; the servos of
            the other fingers keep them.
        iterations: Fixed number of steps, so that the result is reproducible.

    Returns:
        The position targets, (act_dim,) [rad], and the remaining distance of each tip [m], with
        all joints free of loads.
    """
    for finger in targets:
        if finger not in hand.fingers:
            raise unknown("finger", finger, hand.fingers)
    loaded, solver = load_hand(hand), _Poser(load_hand(hand))
    low, high = loaded.controls.low, loaded.controls.high
    posture = np.clip(initial, low, high)
    for _ in range(iterations):
        solver.pose(posture)
        for finger, target in targets.items():
            columns = loaded.columns[finger]
            jacobian = solver.jacobian(finger)[:, columns]
            error = target - solver.tip(finger)
            present, rest = posture[columns], (initial - posture)[columns]
            step = damped_step(jacobian, error, rest)
            # Servos that the step would push past a limit are dropped from the solve.
            after = present + step
            kept = (after >= low[columns]) & (after <= high[columns])
            step = damped_step(jacobian * kept, error, rest * kept)
            posture[columns] = np.clip(present + step, low[columns], high[columns])
    solver.pose(posture)
    errors = {
        finger: float(np.linalg.norm(target - solver.tip(finger)))
        for finger, target in targets.items()
    }
    return posture, errors


def fingertips(hand: Hand, posture: FloatArray) -> FloatArray:
    """Return the tip centres at position targets, (fingers, 3) [m], palm frame."""
    solver = _Poser(load_hand(hand))
    solver.pose(posture)
    return np.array([solver.tip(finger) for finger in hand.fingers])


def pressing_targets(
    hand: Hand, posture: FloatArray, forces: Mapping[str, FloatArray]
) -> FloatArray:
    """Return the position targets that make fingertips press with given forces in a posture.

    Args:
        hand: The hand.
        posture: The posture, (act_dim,) [rad].
        forces: Force of each named fingertip on what it touches, (3,) [N], palm frame.

    Returns:
        The targets, (act_dim,) [rad], inside their limits.
    """
    loaded = load_hand(hand)
    solver = _Poser(loaded)
    solver.pose(posture)
    torques = sum(
        (solver.jacobian(finger).T @ force for finger, force in forces.items()),
        np.zeros_like(posture),
    )
    controls = loaded.controls
    return np.clip(posture + torques / controls.stiffness, controls.low, controls.high)


class _Poser:
    """A hand's own model in a posture, in which no joint carries a load."""

    def __init__(self, loaded: LoadedHand) -> None:
        self._loaded, self._data = loaded, mujoco.MjData(loaded.model)
        self._sites = dict(zip(loaded.hand.fingers, loaded.tips, strict=True))

    def pose(self, posture: FloatArray) -> None:
        """Take the posture at position targets, (act_dim,) [rad]."""
        controls = self._loaded.controls
        self._data.qpos[controls.qpos] = controls.angles(posture)
        mujoco.mj_kinematics(self._loaded.model, self._data)
        mujoco.mj_comPos(self._loaded.model, self._data)

    @property
    def _axes(self) -> FloatArray:
        """The axes of the palm frame as columns, (3, 3)."""
        return np.asarray(self._data.site_xmat[self._loaded.palm].reshape(3, 3))

    def tip(self, finger: str) -> FloatArray:
        """Return a fingertip's centre, (3,) [m], palm frame."""
        offset = self._data.site_xpos[self._sites[finger]] - self._data.site_xpos[self._loaded.palm]
        return np.asarray(self._axes.T @ offset)

    def jacobian(self, finger: str) -> FloatArray:
        """Return how a fingertip moves with the position targets, (3, act_dim), palm frame."""
        model, controls = self._loaded.model, self._loaded.controls
        full = np.zeros((3, model.nv))
        mujoco.mj_jacSite(model, self._data, full, None, self._sites[finger])
        return np.asarray(self._axes.T @ full[:, controls.dofs] @ controls.matrix)
