"""AdroitHammer: drive a nail into a board with the published Adroit arm and hand."""

import mujoco
import numpy as np

from envs.adroit.models import LIMIT, AdroitTask, load_adroit
from envs.cameras import Camera
from envs.task import NO_MODE, Field, FloatArray, Score, Start, View, pictured

TOLERANCE_M = 0.01
NAIL_M = 0.09  # initial length of the nail outside the board
BOARD_Z_M = (0.1, 0.25)
BOARD_XY_M = (0.05, 0.0)
IMPACT_LIMIT = 1.0
FLOOR_Z_M = -0.1  # a hammer below this height has fallen off the table


class AdroitHammer(AdroitTask):
    """Pick up a hammer and drive a nail into a board (published as AdroitHandHammer-v1).

    Actions: 26 in [-1, 1], scaled to the actuators' ranges: arm (2), wrist (2), fingers and thumb
        (22) [rad]. The arm's force is 500 times the target minus 200 times the position, so
        without gravity its joints come to rest at 2.5 times their targets.
    Observations: joint_position (26), nail_depth (1) [m], hammer_velocity (6) [m/s, rad/s, each
        clipped to ±1], palm_position (3), hammer_position (3) [m], hammer_rotation (3) [rad, Euler
        angles], nail_position (3) [m], nail_impact (1) [N, clipped to 1], the 46 published values;
        and in addition joint_velocity (26), nail_velocity (1) [m/s], hammer_velocity_unclipped (6)
        [m/s, rad/s], goal_position (3) [m, goal of the nail's head]. `AdroitHammerPublished`
        observes the 46 published values only.
    Initial state: as published: the hand at rest, the hammer on the table, the board's height
        uniform in 0.10 to 0.25 m.
    Success: as published: the nail's head within 0.01 m of its goal at any single control step.
    Failure: the hammer fell off the table; this ends the episode.
    Horizon: 200 control steps of 0.01 s (2 s).
    Versions: v0, initial version.
    """

    name = "AdroitHammer"
    memory_sizes = {  # noqa: RUF012
        "board": 3,
        "palm": 3,
        "hammer": 3,
        "hammer_matrix": 9,
        "head": 3,
        "nail": 3,
        "goal": 3,
        "impact": 1,
    }
    model_fields = ("body_pos",)
    reads = ("sensordata",)
    cameras = {"left": Camera((0.0, -0.15, 0.14), 0.90, -70.0, -30.0)}  # noqa: RUF012
    description = "Drive a nail into a board with a hammer in the Adroit hand."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the published scene with a site at the hammer's frame."""
        spec = load_adroit("adroit_hammer.xml", (0.0, -0.15, 0.12), (-0.75, 0.25, 0.50))
        spec.body("Object").add_site(name="hammer", size=[0.001, 0, 0], group=4)
        return spec

    def index_scene(self) -> None:
        """Look up hammer, nail and board."""
        self.board_body = int(self.model.body("nail_board").id)
        names = ("hammer", "tool", "S_target", "nail_goal")
        sites = (int(self.model.site(name).id) for name in names)
        self.hammer_site, self.head_site, self.nail_site, self.goal_site = sites
        self.nail_qpos = int(self.model.joint("nail_dir").qposadr[0])
        self.nail_dof = int(self.model.joint("nail_dir").dofadr[0])
        self.impact_sensor = int(self.model.sensor("S_nail").adr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the board's height."""
        memory: dict[str, FloatArray] = {
            name: np.zeros(size) for name, size in self.memory_sizes.items()
        }
        memory["board"] = np.array([*BOARD_XY_M, rng.uniform(*BOARD_Z_M)])
        return Start(self.model.qpos0.copy(), memory)

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Place the board."""
        return {"body_pos": (self.board_body, memory["board"])}

    def look_back(self, view: View) -> dict[str, FloatArray]:
        """Store the poses of palm, hammer and nail."""
        return {
            "palm": view.site_position(self.hand.palm),
            "hammer": view.site_position(self.hammer_site),
            "hammer_matrix": view.site_matrix(self.hammer_site).reshape(-1, 9),
            "head": view.site_position(self.head_site),
            "nail": view.site_position(self.nail_site),
            "goal": view.site_position(self.goal_site),
        }

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Store the nail's contact force, which a restored physics state does not contain."""
        return {"impact": view.sensors[:, self.impact_sensor, None]}

    def published_fields(self) -> tuple[Field, ...]:
        """Return the fields of the 46 published values."""
        return (
            Field("joint_position", self.act_dim, "rad", LIMIT, "actuated joints"),
            pictured("nail_depth", 1, "m", LIMIT, "how far the nail is driven in"),
            pictured("hammer_velocity", 6, "m/s, rad/s", 1.0, "linear and angular, clipped to 1"),
            Field("palm_position", 3, "m", LIMIT, "palm, world frame"),
            pictured("hammer_position", 3, "m", LIMIT, "hammer's handle, world frame"),
            pictured("hammer_rotation", 3, "rad", LIMIT, "hammer, Euler angles"),
            pictured("nail_position", 3, "m", LIMIT, "nail's head, world frame"),
            pictured("nail_impact", 1, "N", IMPACT_LIMIT, "force on the nail's head, clipped to 1"),
        )

    def observe_published(self, view: View) -> dict[str, FloatArray]:
        """Return the 46 published values."""
        impact = view.memory("impact")
        return {
            "joint_position": view.qpos[:, self.hand.qpos],
            "nail_depth": view.qpos[:, self.nail_qpos, None],
            "hammer_velocity": np.clip(view.qvel[:, -6:], -1.0, 1.0),
            "palm_position": view.memory("palm"),
            "hammer_position": view.memory("hammer"),
            "hammer_rotation": euler(view.memory("hammer_matrix").reshape(-1, 3, 3)),
            "nail_position": view.memory("nail"),
            "nail_impact": np.clip(impact, -IMPACT_LIMIT, IMPACT_LIMIT),
        }

    def added_fields(self) -> tuple[Field, ...]:
        """Return the velocities and the goal."""
        return (
            *super().added_fields(),
            pictured("nail_velocity", 1, "m/s", 100.0, "nail, inwards"),
            pictured("hammer_velocity_unclipped", 6, "m/s, rad/s", 100.0, "linear and angular"),
            pictured("goal_position", 3, "m", LIMIT, "where the nail's head is to go, world frame"),
        )

    def observe_added(self, view: View) -> dict[str, FloatArray]:
        """Return the velocities and the goal."""
        return {
            **super().observe_added(view),
            "nail_velocity": view.qvel[:, self.nail_dof, None],
            "hammer_velocity_unclipped": view.qvel[:, -6:],
            "goal_position": view.memory("goal"),
        }

    def score(self, view: View) -> Score:
        """Score by the nail's distance to its goal."""
        palm, hammer, head = (view.memory(name) for name in ("palm", "hammer", "head"))
        nail, goal = view.memory("nail"), view.memory("goal")
        distance = np.linalg.norm(nail - goal, axis=1)
        reach = np.linalg.norm(palm - hammer, axis=1)
        aim = np.linalg.norm(head - nail, axis=1)
        driven = 1.0 - np.clip((distance - TOLERANCE_M) / (NAIL_M - TOLERANCE_M), 0.0, 1.0)
        lifted = np.clip((head[:, 2] - 0.04) / 0.05, 0.0, 1.0)
        lifted *= np.clip((hammer[:, 2] - 0.04) / 0.02, 0.0, 1.0)
        solved = distance < TOLERANCE_M
        return Score(
            solved=solved,
            failed=hammer[:, 2] < FLOOR_Z_M,
            progress=np.where(solved, 1.0, 0.3 * np.maximum(lifted, driven > 0.0) + 0.7 * driven),
            reward_terms={
                "reach": 0.1 * np.exp(-10.0 * reach),
                "lift": 0.1 * lifted,
                "aim": 0.1 * np.exp(-10.0 * aim),
                "drive": 0.4 * driven,
                "arrive": 0.3 * solved,
            },
            mode=np.full(len(view), NO_MODE),
        )


class AdroitHammerPublished(AdroitHammer):
    """AdroitHammer with the same episodes but only the published observation (46 values)."""

    name = "AdroitHammerPublished"
    twin_of = "AdroitHammer"
    is_full = False


def euler(matrix: FloatArray) -> FloatArray:
    """Return Euler angles in the published convention of matrices (n, 3, 3), (n, 3) [rad]."""
    length = np.hypot(matrix[:, 2, 2], matrix[:, 1, 2])
    return np.stack(
        [
            -np.arctan2(matrix[:, 1, 2], matrix[:, 2, 2]),
            -np.arctan2(-matrix[:, 0, 2], length),
            -np.arctan2(matrix[:, 0, 1], matrix[:, 0, 0]),
        ],
        axis=1,
    )
