"""Contact depths of hands, for the tests and the endurance run."""

import mujoco
import numpy as np

from envs.registry import make_task
from envs.task import BoolArray, FloatArray, IntArray, Task
from envs.world import World
from fmbench.harness.rollout import Policy

WORLD_BODY = 0
DEEPEST_M = 0.003  # largest penetration allowed for a hand


class DeepestContact:
    """Find the deepest contact of a row, without self-contacts of the hand, whose links may touch.

    Args:
        task: The task.
        of_hand: Whether to count only contacts of the hand, not those between objects.
    """

    def __init__(self, task: Task, of_hand: bool = False) -> None:
        self._least = 1 if of_hand else 0
        self._is_hand = hand_geoms(task)

    def __call__(self, world: World, row: int) -> float:
        """Return the smallest contact distance of a row [m], 0 without penetration."""
        contact = world.batch.get_data(row).contact
        of_hand = self._is_hand[contact.geom].sum(axis=1)  # how many of the two geoms
        counts = (of_hand >= self._least) & (of_hand < 2)
        return float(min([0.0, *contact.dist[counts].tolist()]))


class DepthSensors:
    """Measure the hand's deepest contacts in many rows at once, by sensors in the scene.

    Sensors do not change episodes. A hand is the complete body tree that contains its joints.

    Args:
        name: Name of the task.

    Attributes:
        task: The task with the sensors, from which worlds are made.
    """

    def __init__(self, name: str) -> None:
        self.task = type(make_task(name))()
        spec, model = self.task.spec, self.task.model
        hands = set(model.body_rootid[_moved_bodies(self.task)].tolist())
        others = set(model.body_rootid.tolist()) - hands  # including the world
        for hand in sorted(hands):
            for other in sorted(others):
                self._add(spec, model.body(hand).name, model.body(other).name, other == WORLD_BODY)
        first = model.nsensordata
        self.task.model = spec.compile()
        self._sensors = slice(first, self.task.model.nsensordata)

    def __call__(self, world: World, rows: IntArray) -> FloatArray:
        """Return the smallest contact distance of each row, (n,) [m], 0 without penetration.

        Args:
            world: A world of `task`.
            rows: Rows of the world, (n,).
        """
        distances = world.batch.bind("sensordata")[rows, self._sensors]
        deepest: FloatArray = np.minimum(distances.min(axis=1), 0.0)
        return deepest

    @staticmethod
    def _add(spec: mujoco.MjSpec, hand: str, other: str, is_world: bool) -> None:
        tree, alone = mujoco.mjtObj.mjOBJ_XBODY, mujoco.mjtObj.mjOBJ_BODY
        spec.add_sensor(
            name=f"depth of {hand} in {other}",
            type=mujoco.mjtSensor.mjSENS_CONTACT,
            objtype=tree,
            objname=hand,
            reftype=alone if is_world else tree,
            refname=other,
            # The distance of the deepest contact.
            intprm=[1 << int(mujoco.mjtConDataField.mjCONDATA_DIST), 1, 1],
        )


class DepthWatch:
    """Wrap a policy and record the hand's deepest contact before each control step.

    Args:
        world: The world in which the policy acts, of the sensors' task.
        policy: The policy.
        sensors: The depth sensors.
    """

    def __init__(self, world: World, policy: Policy, sensors: DepthSensors) -> None:
        self.obs_horizon, self.exec_horizon = policy.obs_horizon, policy.exec_horizon
        self.deepest_m = 0.0
        self._world, self._policy, self._sensors = world, policy, sensors

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start episodes."""
        self._policy.reset(rows, episode_seeds)

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        """Measure the contacts, then act."""
        self.deepest_m = max(self.deepest_m, -float(self._sensors(self._world, rows).min()))
        return self._policy.act(rows, observations)


def hand_geoms(task: Task) -> BoolArray:
    """Return which geoms are moved by an actuated joint, (ngeom,)."""
    model, moved = task.model, set(_moved_bodies(task).tolist())
    return np.array([_hangs_on(model, int(body), moved) for body in model.geom_bodyid])


def _moved_bodies(task: Task) -> IntArray:
    """Return the bodies of the actuated joints."""
    is_actuated = np.isin(task.model.jnt_qposadr, task.hand.qpos)
    return np.asarray(task.model.jnt_bodyid[is_actuated], dtype=np.int64)


def _hangs_on(model: mujoco.MjModel, body: int, roots: set[int]) -> bool:
    """Return whether a body is one of `roots` or a descendant of one."""
    while body and body not in roots:
        body = int(model.body_parentid[body])
    return body in roots
