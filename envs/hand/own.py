"""The fmbench hand as a description; its tasks build the same model directly."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.hand.description import Finger, Hand
from envs.hand.hand import CAPSULE_RADII_M, FINGERS

if TYPE_CHECKING:
    import mujoco


@dataclass(frozen=True)
class BuiltModel:
    """The model that `envs.hand.scene` builds."""

    def is_at_hand(self) -> bool:
        """Return True."""
        return True

    def spec(self) -> "mujoco.MjSpec":
        """Return the hand on a body that does not move, with the scene options of its tasks."""
        import mujoco

        from envs.hand.scene import add_hand
        from envs.scene import make_scene

        spec, scene = mujoco.MjSpec(), make_scene("options")
        spec.compiler.degree = False
        spec.option = scene.option
        add_hand(spec, "palm")
        return spec

    def digest(self) -> str:
        """Return "": the hash of a task covers its code."""
        return ""


FMBENCH = Hand(
    name="fmbench",
    source=BuiltModel(),
    palm="palm",
    axes=("x", "y", "z"),
    fingers={
        finger: Finger(
            f"{finger}_distal",
            CAPSULE_RADII_M[2] + (0.0005 if finger == "thumb" else 0.0),
            site=f"{finger}_tip",
        )
        for finger in FINGERS
    },
    opposing=(("thumb", "index"), ("thumb", "middle")),
    neutral={
        "*_mcp": 0.4,
        "*_pip": 0.4,
        "thumb_opposition": 1.4,
        "thumb_cmc": -0.3,
        "thumb_mcp": 0.5,
        "thumb_ip": 0.5,
    },
    # Around a cube of 5 cm, as in the tasks with cubes: `envs.experts.grasp.cube_grasp`.
    pregrasp={
        "thumb_opposition": 1.93,
        "thumb_cmc": -1.2,
        "thumb_mcp": 0.41,
        "thumb_ip": 1.4,
        "index_abduction": -0.08,
        "index_mcp": 0.95,
        "index_pip": 0.01,
        "middle_mcp": 0.89,
        "middle_pip": 0.1,
        "ring_mcp": 0.95,
        "ring_pip": 0.01,
        "little_mcp": 0.5,
        "little_pip": 0.3,
    },
)
