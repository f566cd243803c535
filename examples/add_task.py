"""Add a task: bend the index finger to an observed angle.

    python examples/add_task.py --policy flow bc --preset smoke

makes demonstrations of the task with its scripted expert, trains the policies on them and compares
them. It takes the flags of `python -m fmbench.run`. The task is a Gymnasium id as well, once this
file has been imported: `gymnasium.make("fmbench/BendIndex-v0")`.

A task is written once for n simulations: every array has a leading dimension n, one row for each.
The larger examples are in `envs/tasks/`, their experts in `envs/experts/`.
"""

import sys

import mujoco
import numpy as np

from envs.experts.base import Expert
from envs.hand.scene import add_hand
from envs.scene import add_camera, make_scene
from envs.stages import Stages
from envs.task import NO_MODE, BoolArray, Field, FloatArray, IntArray, Score, Start, Task, View
from fmbench.plugins import register_stages, register_task
from fmbench.run import main

GOAL_RAD = (0.3, 1.3)
TOLERANCE_RAD = 0.05


class BendIndex(Task):
    """Bend the index finger's first joint to an observed angle.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), goal (1) [rad].
    Start: the open hand; the goal uniform in 0.3 to 1.3 rad.
    Success: the joint within 0.05 rad of the goal for 5 control steps (0.2 s).
    Horizon: 40 control steps (1.6 s).
    """

    name = "BendIndex"
    mount = "palm"
    horizon = 40
    hold_steps = 5
    memory_sizes = {"goal": 1}  # noqa: RUF012
    description = "Bend the index finger to an angle."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on a fixed palm above an empty table."""
        spec = make_scene("bend_index")
        add_hand(spec, "palm", (0.0, 0.0, 0.15))
        add_camera(spec, (0.05, 0.0, 0.13), 0.4)
        return spec

    def index_scene(self) -> None:
        """Look up the joint by its name, once."""
        self.joint = self.action_names.index("index_mcp")

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw an episode's goal from the episode's own generator."""
        return Start(self.model.qpos0.copy(), {"goal": rng.uniform(*GOAL_RAD, 1)})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation's fields, in order."""
        return (*self.hand_fields(), Field("goal", 1, "rad", 2.0, "desired angle"))

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values, each (n, size)."""
        return {**self.observe_hand(view), "goal": view.memory("goal")}

    def error(self, view: View) -> FloatArray:
        """Return the angle that remains, (n,) [rad]."""
        angle = view.qpos[:, self.hand.qpos[self.joint]]
        return np.asarray(np.abs(angle - view.memory("goal")[:, 0]))

    def score(self, view: View) -> Score:
        """Judge n rows by the angle that remains."""
        error = self.error(view)
        return Score(
            solved=error < TOLERANCE_RAD,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=np.clip(1.0 - error, 0.0, 1.0),
            reward_terms={"near": -error},
            mode=np.full(len(view), NO_MODE),
        )


class BendIndexExpert(Expert):
    """Command the goal angle; the other joints stay straight."""

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return absolute position targets, (n, 14) [rad]."""
        targets = np.zeros((len(rows), self.task.act_dim))
        targets[:, self.task.action_names.index("index_mcp")] = view.memory("goal")[:, 0]
        return targets


def reached(task: BendIndex, view: View) -> tuple[BoolArray, ...]:
    """Return for each stage before the success whether n rows have reached it, each (n,)."""
    error = task.error(view)
    return error < GOAL_RAD[0], error < TOLERANCE_RAD


register_task(BendIndex, BendIndexExpert)
register_stages(BendIndex, Stages(("near", "at goal", "held"), reached))  # optional

if __name__ == "__main__":
    sys.exit(main(["--task", "BendIndex", *sys.argv[1:]]))
