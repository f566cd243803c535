"""TurnDial: turn a dial under the fixed palm to a goal angle by finger gaiting."""

import mujoco
import numpy as np

from envs.goals import GoalTask
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.dial_parts import DialTask, dial_scene, goal_marks

TOLERANCE_RAD = 0.1
TURN_RAD = (0.4, 1.5)


class TurnDial(DialTask, GoalTask):
    """Turn a dial to a goal angle with the fingers alone, regrasping as needed.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), dial_direction (2) [cosine and sine of
        the dial's angle], dial_velocity (1) [rad/s], remaining_turn (1) [rad, goal minus dial,
        signed, not wrapped], tip_offset (15) [m, tips minus the knob's centre].
    Initial state: the dial's angle uniform in ±pi; the goal 0.4 to 1.5 rad away, in either
        direction with equal probability; an open hand around the knob without contact, with
        uniform jitter of ±0.2 rad per joint.
    Success: the dial within 0.1 rad of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 200 control steps (8 s).
    Versions: v0, initial version.
    """

    name = "TurnDial"
    horizon = 200
    hold_steps = 10
    memory_sizes = {"goal": 1, "turn": 1}  # noqa: RUF012
    description = "Turn a dial to a goal angle by finger gaiting."
    goal_size = 1
    goal_fields = ("remaining_turn",)

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on a fixed palm above a dial on a post."""
        return dial_scene("turn_dial")

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the dial's angle, the desired turn and a posture without contact."""
        angle = rng.uniform(-np.pi, np.pi)
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(*TURN_RAD)
        qpos = self.draw_posture(rng, angle)
        return Start(qpos, {"goal": np.array([angle + turn]), "turn": np.array([turn])})

    def remaining(self, view: View) -> FloatArray:
        """Return the signed angle from the dial to its goal, not wrapped, (n,) [rad]."""
        return view.memory("goal")[:, 0] - self.dial_angle(view)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.dial_fields(),
            pictured("remaining_turn", 1, "rad", 10.0, "goal minus dial angle, signed, unwrapped"),
            self.tip_field(),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return {
            **self.observe_dial(view),
            "remaining_turn": self.remaining(view)[:, None],
        }

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the dial's angle, not wrapped, (n, 1) [rad]."""
        return self.dial_angle(view)[:, None]

    def desired_goal(self, view: View) -> FloatArray:
        """Return the goal angle, not wrapped, (n, 1) [rad]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether angles are within 0.1 rad of each other."""
        return np.asarray(np.abs(desired - achieved)[..., 0] < TOLERANCE_RAD)

    def score(self, view: View) -> Score:
        """Score by the remaining angle."""
        remaining = np.abs(self.remaining(view))
        turn = np.abs(view.memory("turn")[:, 0])
        n = len(view)
        return Score(
            solved=remaining < TOLERANCE_RAD,
            failed=np.zeros(n, dtype=np.bool_),
            progress=1.0 - np.clip((remaining - TOLERANCE_RAD) / (turn - TOLERANCE_RAD), 0.0, 1.0),
            reward_terms={
                "reach": 0.1 * np.exp(-20.0 * self.off_rim(view)),
                "turn": 0.6 * np.exp(-2.0 * remaining),
                "arrive": np.where(remaining < TOLERANCE_RAD, 0.3, 0.0),
            },
            mode=np.full(n, NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal marker at the rim of the skirt."""
        return goal_marks(memory["goal"][:, 0])
