"""A hand as data: what a model does not say about itself.

Who knows whom in this folder:

- `description` has the dataclasses; `own` and `menagerie` describe hands; `catalogue` names them.
- `model_files` finds a hand's model, checks that it is complete, and hashes it.
- `loading` parses it, adds what it lacks (fingertip sites, a site with the palm frame) and checks
  that description and model fit (`checks`).
- `controls` reads from a compiled model how joints follow from position targets: servos, couplings,
  limits, stiffness. `reach` solves fingertip inverse kinematics with it, for every hand.
- `attach` puts a hand into a scene on one of its mounts.
- `hand`, `scene`, `kinematics` and `two_hands` are the fmbench hand itself, which its tasks use
  directly: their code, and so the hashes of these tasks, do not depend on the modules above.

Joint names, limits, gains, masses and meshes are read from the model. Nothing of it is repeated in
a description.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:  # a description is read before a simulator is needed
    import mujoco

HandMount = Literal["palm_down", "palm_up", "wrist"]
MOUNTS: tuple[HandMount, ...] = ("palm_down", "palm_up", "wrist")


class ModelSource(Protocol):
    """Where the model of a hand comes from."""

    def is_at_hand(self) -> bool:
        """Return whether the model is here, or an installed package can download it."""

    def spec(self) -> "mujoco.MjSpec":
        """Return the model, to be edited and compiled.

        Raises:
            ValueError: It cannot be found or read; the message states what to do.
        """

    def digest(self) -> str:
        """Return the hash of the model's content, 64 hexadecimal digits; "" if it is code.

        Raises:
            ValueError: It cannot be found; the message states what to do.
        """


@dataclass(frozen=True)
class Finger:
    """The tip of a finger.

    Attributes:
        body: The last body of the finger. Its joints are those between this body and the palm.
        radius_m: Radius of the fingertip [m].
        tip_m: Centre of the fingertip in that body, (3,) [m]; not read where there is a site.
        site: The model's own site at that centre, or "" to add one.
    """

    body: str
    radius_m: float
    tip_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    site: str = ""


@dataclass(frozen=True)
class Servo:
    """A position servo for a joint of a model that has none, such as a URDF.

    Attributes:
        kp: Torque for each difference of target and angle [N m/rad].
        kv: Torque for each angular velocity [N m s/rad].
        limit: Largest torque [N m], 0 for none.
    """

    kp: float
    kv: float = 0.0
    limit: float = 0.0


@dataclass(frozen=True, eq=False)
class Hand:
    """What must be said of a right hand beside its model.

    The palm frame has x along the extended fingers, y to the thumb's side and z out of the back of
    the hand; the palm faces -z. Its origin is that of the palm's body.

    Attributes:
        name: Name on the command line; task ids end with it, its first letter made a capital.
        source: Where the model comes from.
        palm: The body of the palm.
        axes: The axes of that body along x, y and z of the palm frame, each "x", "-x", "y", ...
        fingers: The fingers, each with its tip, the thumb first.
        opposing: Pairs of fingers that can hold an object between them, the best pair first.
        neutral: Position targets of the half-open hand [rad], by actuator; a name may contain
            `*`, later entries count more, and an actuator without an entry has the value nearest
            to 0 in its range. A servo on a tendon of two joints has their sum.
        pregrasp: The same for the hand open around an object of 5 cm between `opposing[0]`.
        mounts: The mounts on which tasks may put it.
        servos: Servos by joint, `*` allowed, for a model without actuators.
    """

    name: str
    source: ModelSource
    palm: str
    axes: tuple[str, str, str]
    fingers: Mapping[str, Finger]
    opposing: tuple[tuple[str, str], ...]
    neutral: Mapping[str, float]
    pregrasp: Mapping[str, float]
    mounts: tuple[HandMount, ...] = MOUNTS
    servos: Mapping[str, Servo] = field(default_factory=dict)
