"""What tasks on described hands share: actions are the hand's servos, observed are all its joints.

A class here serves every hand. `pairs.put_on` makes it the task of one hand, whose name ends with
the hand's. Sizes and distances follow from the hand's measures, by the rules in the data sheets.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from envs.arrays import BoolArray, FloatArray
from envs.cameras import Camera
from envs.hand.attach import PREFIX
from envs.hand.controls import Controls, read_controls
from envs.hand.description import Hand
from envs.hand.hand import HandIndex
from envs.hand.loading import PALM_FRAME, LoadedHand, load_hand, tip_site
from envs.hand.reach import fingertips
from envs.task import Field, Task, View

MOST_DRAWS = 1000  # of postures for one start; nearly all are without contact where a hand fits


class TaskOnHand(Task):
    """Base of the tasks on described hands.

    Actions: one absolute position target in [-1, 1] for each of the hand's servos, in the order of
        its model, scaled to the servo's range; a servo on a tendon has the sum of its joints.

    Class attributes:
        described: The hand.
        controls: Its servos and joints in the scene's model (of each task, not of the class).
    """

    described: ClassVar[Hand]
    controls: Controls

    @classmethod
    def sizes(cls, loaded: LoadedHand) -> dict[str, Any]:
        """Return the class attributes that follow from the hand's measures."""
        del loaded
        return {}

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return the task's `cameras`, from the hand's measures."""
        del loaded
        return {}

    @property
    def loaded(self) -> LoadedHand:
        """The hand's own model, alone."""
        return load_hand(self.described)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the servos, as in the hand's model."""
        return self.loaded.names

    def find_hand(self) -> HandIndex:
        """Look up the hand in `self.model`."""
        model = self.model
        actuators = [int(model.actuator(PREFIX + name).id) for name in self.loaded.names]
        self.controls = read_controls(model, actuators)
        first = np.abs(self.controls.lengths).argmax(axis=1)  # a joint of each servo
        sites = [PREFIX + tip_site(self.described, finger) for finger in self.described.fingers]
        return HandIndex(
            qpos=self.controls.qpos[first],
            dof=self.controls.dofs[first],
            tips=np.array([int(model.site(site).id) for site in sites]),
            palm=int(model.site(PREFIX + PALM_FRAME).id),
            low=self.controls.low,
            high=self.controls.high,
        )

    @cached_property
    def is_in_finger(self) -> BoolArray:
        """Which servos move a finger, not a wrist of the hand, (act_dim,)."""
        columns = np.concatenate(list(self.loaded.columns.values()))
        return np.isin(np.arange(self.act_dim), columns)

    def measured(self, view: View) -> FloatArray:
        """Return what the servos measure, (n, act_dim) [rad]."""
        return self.controls.measured(view.qpos[:, self.controls.qpos])

    def measured_velocity(self, view: View) -> FloatArray:
        """Return the rate of what the servos measure, (n, act_dim) [rad/s]."""
        return self.controls.measured(view.qvel[:, self.controls.dofs])

    def resting_command(self, view: View) -> FloatArray:
        """Return the targets that hold the joints in place without gravity, (n, act_dim)."""
        return self.measured(view)

    def hand_fields(self) -> tuple[Field, ...]:
        """The fields that every task observes first."""
        n = len(self.controls.qpos)
        return (
            Field("joint_position", n, "rad", 4.0, "joints, coupled ones included"),
            Field("joint_velocity", n, "rad/s", 50.0, "joints, coupled ones included"),
        )

    def observe_hand(self, view: View) -> dict[str, FloatArray]:
        """Return the values of `hand_fields`."""
        return {
            "joint_position": view.qpos[:, self.controls.qpos],
            "joint_velocity": view.qvel[:, self.controls.dofs],
        }

    def hand_qpos(self, posture: FloatArray) -> FloatArray:
        """Return `qpos`, (nq,), with the hand's free joints at position targets (act_dim,)."""
        qpos: FloatArray = self.model.qpos0.copy()
        qpos[self.controls.qpos] = self.controls.angles(posture)
        return qpos

    def draw_clear(self, what: str, draw: Callable[[], FloatArray]) -> FloatArray:
        """Draw initial states until one is without contact; return its qpos, (nq,).

        Raises:
            ValueError: There is contact in too many of them: the hand does not fit `what`.
        """
        for _ in range(MOST_DRAWS):
            qpos = draw()
            if not self.touches(self.scratch, qpos):
                return qpos
        raise ValueError(
            f"hand {self.described.name} does not fit {what}: it touches something in each of "
            f"{MOST_DRAWS} drawn postures; describe another pregrasp posture"
        )


def straight(loaded: LoadedHand) -> FloatArray:
    """Return the targets nearest to 0, (act_dim,) [rad]: fingers stretched, thumb aside."""
    return np.asarray(np.clip(0.0, loaded.controls.low, loaded.controls.high))


def longest_reach(loaded: LoadedHand) -> float:
    """Return the distance from the palm to the farthest tip of the straight hand [m]."""
    tips = fingertips(loaded.hand, straight(loaded))
    return float(np.linalg.norm(tips, axis=1).max())
