"""TurnEither: turn a dial under the fixed palm by half a turn, in either direction."""

import mujoco
import numpy as np

from envs.goals import GoalTask
from envs.rotations import distance, wrap
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.dial_parts import DialTask, dial_scene, directions, goal_marks

TOLERANCE_RAD = 0.10
DECIDED_RAD = np.pi / 2  # net turn above which the mode is decided


class TurnEither(DialTask, GoalTask):
    """Turn a dial by half a turn, in either direction; both are equally good.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), dial_direction (2) [cosine and sine of
        the dial's angle], dial_velocity (1) [rad/s], remaining_direction (2) [cosine and sine of
        the angle from the dial to its goal], tip_offset (15) [m, tips minus the knob's centre].
    Initial state: the dial's angle uniform in ±pi, the goal half a turn away; an open hand around
        the knob without contact, with uniform jitter of ±0.2 rad per joint.
    Success: the dial within 0.1 rad of the goal, modulo full turns, for 10 consecutive control
        steps (0.4 s).
    Modes: clockwise, counterclockwise (from above): the direction of the dial's net turn, once it
        exceeds a quarter turn.
    Horizon: 250 control steps (10 s).
    Versions: v1, tolerance 0.1 rad; v0, tolerance 0.07 rad.
    """

    name = "TurnEither"
    version = 1
    horizon = 250
    hold_steps = 10
    modes = ("clockwise", "counterclockwise")
    memory_sizes = {"start": 1}  # noqa: RUF012
    goal_size = 2
    goal_fields = ("remaining_direction",)
    description = "Turn a dial by half a turn, either way."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on a fixed palm above a dial on a post."""
        return dial_scene("turn_either")

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the dial's angle and a posture without contact."""
        angle = rng.uniform(-np.pi, np.pi)
        return Start(self.draw_posture(rng, angle), {"start": np.array([angle])})

    def turned(self, view: View) -> FloatArray:
        """Return the dial's net turn, counter-clockwise positive, not wrapped, (n,) [rad]."""
        return self.dial_angle(view) - view.memory("start")[:, 0]

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.dial_fields(),
            pictured("remaining_direction", 2, "1", 1.0, "cosine and sine of goal minus angle"),
            self.tip_field(),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return {
            **self.observe_dial(view),
            "remaining_direction": directions(np.pi - self.turned(view)),
        }

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the dial's direction."""
        return directions(self.dial_angle(view))

    def desired_goal(self, view: View) -> FloatArray:
        """Return the direction opposite to the initial one."""
        return -directions(view.memory("start")[:, 0])

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Compare chord lengths: directions at an angle `a` are 2 sin(a / 2) apart."""
        return np.asarray(distance(achieved, desired) < 2.0 * np.sin(TOLERANCE_RAD / 2))

    def score(self, view: View) -> Score:
        """Score by the dial's direction; its net turn determines the mode."""
        solved = self.reaches(self.achieved_goal(view), self.desired_goal(view))
        turned = self.turned(view)
        remaining = np.abs(wrap(np.pi - turned))
        share = np.clip((remaining - TOLERANCE_RAD) / (np.pi - TOLERANCE_RAD), 0.0, 1.0)
        return Score(
            solved=solved,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=1.0 - share,
            reward_terms={
                "reach": 0.1 * np.exp(-20.0 * self.off_rim(view)),
                "turn": 0.6 * np.exp(-remaining),
                "arrive": np.where(solved, 0.3, 0.0),
            },
            mode=np.where(np.abs(turned) > DECIDED_RAD, np.where(turned > 0.0, 1, 0), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal marker at the rim of the skirt."""
        return goal_marks(memory["start"][:, 0] + np.pi)
