"""AdroitDoor: unlatch a door and pull it open with the published Adroit arm and hand."""

import mujoco
import numpy as np

from envs.adroit.models import LIMIT, AdroitTask, load_adroit
from envs.cameras import Camera
from envs.task import NO_MODE, Field, FloatArray, Score, Start, View, pictured

OPEN_RAD, AJAR_RAD = 1.35, 1.0
UNLATCHED_RAD = 1.2  # about where the bolt passes the frame
FRAME_X_M, FRAME_Y_M, FRAME_Z_M = (-0.3, -0.2), (0.25, 0.35), (0.252, 0.35)


class AdroitDoor(AdroitTask):
    """Turn a latch and pull a door open (published as AdroitHandDoor-v1).

    Actions: 28 in [-1, 1], scaled to the actuators' ranges: arm (4), wrist (2), fingers and thumb
        (22) [m or rad]. The arm's force is 500 times the target minus 200 times the position, so
        without gravity its joints come to rest at 2.5 times their targets.
    Observations: joint_position (27) [without the arm's slide], latch_angle (1), door_angle (1)
        [rad], palm_position (3), handle_position (3), palm_to_handle (3) [m, palm minus handle],
        is_ajar (1) [1 if the door is open by more than 1 rad, else -1], the 39 published values;
        and in addition arm_slide (1) [m], joint_velocity (28), door_velocity (2) [rad/s, hinge and
        latch]. `AdroitDoorPublished` observes the 39 published values only.
    Initial state: as published: the hand at rest; the door's frame uniform in x -0.3 to -0.2 m,
        y 0.25 to 0.35 m, z 0.252 to 0.35 m.
    Success: as published: the door open by at least 1.35 rad at any single control step.
    Horizon: 200 control steps of 0.01 s (2 s).
    Versions: v0, initial version.
    """

    name = "AdroitDoor"
    memory_sizes = {"palm": 3, "handle": 3, "frame": 3}  # noqa: RUF012
    model_fields = ("body_pos",)
    keeps_constants = True  # the published one does; computed anew, they differ by 1e-14
    cameras = {"right-front": Camera((0.05, 0.0, 0.22), 1.50, 130.0, -20.0)}  # noqa: RUF012
    description = "Turn a latch and pull a door open with the Adroit hand."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the published scene."""
        return load_adroit("adroit_door.xml", (0.05, 0.05, 0.22), (-1.0, -0.85, 0.75))

    def index_scene(self) -> None:
        """Look up the door."""
        self.frame_body = int(self.model.body("frame").id)
        self.handle_site = int(self.model.site("S_handle").id)
        self.hinge_qpos = int(self.model.joint("door_hinge").qposadr[0])
        self.latch_qpos = int(self.model.joint("latch").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the door's position."""
        frame = np.array([rng.uniform(*r) for r in (FRAME_X_M, FRAME_Y_M, FRAME_Z_M)])
        memory = {"palm": np.zeros(3), "handle": np.zeros(3), "frame": frame}
        return Start(self.model.qpos0.copy(), memory)

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Place the door's frame."""
        return {"body_pos": (self.frame_body, memory["frame"])}

    def look_back(self, view: View) -> dict[str, FloatArray]:
        """Store the positions of palm and handle."""
        return {
            "palm": view.site_position(self.hand.palm),
            "handle": view.site_position(self.handle_site),
        }

    def published_fields(self) -> tuple[Field, ...]:
        """Return the fields of the 39 published values."""
        meaning = "actuated joints without the arm's slide"
        return (
            Field("joint_position", self.act_dim - 1, "rad", LIMIT, meaning),
            pictured("latch_angle", 1, "rad", LIMIT, "latch, turned down"),
            pictured("door_angle", 1, "rad", LIMIT, "door, pulled open"),
            Field("palm_position", 3, "m", LIMIT, "palm, world frame"),
            pictured("handle_position", 3, "m", LIMIT, "handle, world frame"),
            pictured("palm_to_handle", 3, "m", LIMIT, "palm minus handle"),
            pictured("is_ajar", 1, "1", 1.0, "1 if open by more than 1 rad, else -1"),
        )

    def observe_published(self, view: View) -> dict[str, FloatArray]:
        """Return the 39 published values."""
        palm, handle = view.memory("palm"), view.memory("handle")
        hinge = view.qpos[:, self.hinge_qpos, None]
        return {
            "joint_position": view.qpos[:, self.hand.qpos[1:]],
            "latch_angle": view.qpos[:, self.latch_qpos, None],
            "door_angle": hinge,
            "palm_position": palm,
            "handle_position": handle,
            "palm_to_handle": palm - handle,
            "is_ajar": np.where(hinge > AJAR_RAD, 1.0, -1.0),
        }

    def added_fields(self) -> tuple[Field, ...]:
        """Return the arm's slide and the velocities."""
        return (
            Field("arm_slide", 1, "m", LIMIT, "the arm's slide"),
            *super().added_fields(),
            pictured("door_velocity", 2, "rad/s", 100.0, "hinge and latch"),
        )

    def observe_added(self, view: View) -> dict[str, FloatArray]:
        """Return the arm's slide and the velocities."""
        return {
            "arm_slide": view.qpos[:, self.hand.qpos[:1]],
            **super().observe_added(view),
            "door_velocity": view.qvel[:, -2:],
        }

    def score(self, view: View) -> Score:
        """Score by the angle of the door."""
        hinge, latch = view.qpos[:, self.hinge_qpos], view.qpos[:, self.latch_qpos]
        reach = np.linalg.norm(view.memory("palm") - view.memory("handle"), axis=1)
        turned = np.clip(latch / UNLATCHED_RAD, 0.0, 1.0)
        opened = np.clip(hinge / OPEN_RAD, 0.0, 1.0)
        near = np.maximum(1.0 - np.clip(reach / 0.5, 0.0, 1.0), np.maximum(turned, opened))
        solved = hinge >= OPEN_RAD
        return Score(
            solved=solved,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=0.2 * near + 0.2 * np.maximum(turned, opened) + 0.6 * opened,
            reward_terms={
                "reach": 0.2 * np.exp(-10.0 * reach),
                "unlatch": 0.2 * turned,
                "open": 0.3 * opened,
                "arrive": np.where(solved, 0.3, 0.0),
            },
            mode=np.full(len(view), NO_MODE),
        )


class AdroitDoorPublished(AdroitDoor):
    """AdroitDoor with the same episodes but only the published observation (39 values)."""

    name = "AdroitDoorPublished"
    twin_of = "AdroitDoor"
    is_full = False
