"""Scenes and task base of the Adroit hand, with the models shipped by gymnasium-robotics.

The scenes, initial states, observations and success conditions are those of Rajeswaran et al. 2018
(arXiv:1709.10087) as published by gymnasium-robotics 1.4.2 (models: Apache License 2.0). Only the
package's model files are read; none of its code runs.

Its environments read positions as `mj_step` leaves them, one substep (2 ms) behind the joints. Ours
do the same: `look_back` stores the poses before the last substep, and observations and success use
them.
"""

import importlib.util
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import mujoco
import numpy as np

from envs.hand.hand import HandIndex
from envs.scene import add_look
from envs.task import Field, FloatArray, Task, View

MODELS = "gymnasium_robotics:envs/assets/adroit_hand"  # package:folder, which the task hash reads
TIP_SITES = ("S_thtip", "S_fftip", "S_mftip", "S_rftip", "S_lftip")
PALM_SITE = "S_grasp"
ARM_GAIN, ARM_BIAS = 500.0, 200.0  # of the arm's actuators, whose force is 500 ctrl - 200 q
WRIST_GAIN, FINGER_GAIN = 10.0, 1.0
LIMIT = 20.0


def load_adroit(
    file: str, look_at: tuple[float, ...], look_from: tuple[float, ...]
) -> mujoco.MjSpec:
    """Return a published scene with the published actuator gains and a `main` camera.

    Args:
        file: Name of the model file.
        look_at: Point at which the camera looks [m].
        look_from: Position of the camera [m].

    Raises:
        ModuleNotFoundError: The package with the models is not installed.
    """
    name, _, models = MODELS.partition(":")
    package = importlib.util.find_spec(name)
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"{name} is not installed", name=name)
    folder = Path(package.submodule_search_locations[0]) / models
    spec = mujoco.MjSpec.from_file(str(folder / file))
    for actuator in spec.actuators:
        # The package sets these gains after loading the model.
        if not actuator.name.startswith("A_AR"):
            gain = WRIST_GAIN if actuator.name.startswith("A_WR") else FINGER_GAIN
            actuator.gainprm[:3] = [gain, 0, 0]
            actuator.biasprm[:3] = [0, -gain, 0]
    add_look(spec)
    spec.material("MatViz").specular = spec.material("MatViz").reflectance = 0.0
    anchor = spec.worldbody.add_body(name="camera_target", pos=look_at)
    spec.worldbody.add_camera(
        name="main",
        pos=look_from,
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TARGETBODY,
        targetbody=anchor.name,
        fovy=40,
    )
    return spec


class AdroitTask(Task):
    """Base of the Adroit tasks: hand, timing, and the two sets of observations.

    The published observation lacks the joint velocities and part of an object's state. A task
    observes the full set: the published observation followed by what it lacks. Its `...Published`
    twin has the same episodes and only the published observation.

    Class attributes:
        twin_of: Name of the task whose episodes a `...Published` task shares.
        is_full: Whether the full set is observed.
    """

    substeps = 5
    horizon = 200
    hold_steps = 1
    looks_back = True
    is_full: ClassVar[bool] = True
    twin_of: ClassVar[str] = ""

    @property
    def episodes_id(self) -> str:
        """Key of the episodes' random generators, which twins share."""
        return f"fmbench/{self.twin_of or self.name}-v{self.version}"

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the actuated joints."""
        return tuple(self.model.actuator(k).name.removeprefix("A_") for k in range(self.model.nu))

    def find_hand(self) -> HandIndex:
        """Look up arm, wrist and hand, whose actuated joints come first in the model."""
        joints = [self.model.joint(name) for name in self.action_names]
        limits = self.model.actuator_ctrlrange
        return HandIndex(
            qpos=np.array([int(joint.qposadr[0]) for joint in joints]),
            dof=np.array([int(joint.dofadr[0]) for joint in joints]),
            tips=np.array([int(self.model.site(name).id) for name in TIP_SITES]),
            palm=int(self.model.site(PALM_SITE).id),
            low=limits[:, 0].copy(),
            high=limits[:, 1].copy(),
        )

    @property
    def arm_dofs(self) -> int:
        """Number of arm joints, which come first."""
        return sum(name.startswith("AR") for name in self.action_names)

    def command(self, actions: np.ndarray) -> FloatArray:
        """Scale actions in [-1, 1] to targets as published, including rounding, (n, act_dim)."""
        limits = self.model.actuator_ctrlrange
        middle, half = np.mean(limits, axis=1), 0.5 * (limits[:, 1] - limits[:, 0])
        command: FloatArray = middle + np.clip(actions, -1.0, 1.0).astype(np.float64) * half
        return command

    def resting_command(self, view: View) -> FloatArray:
        """Return the targets that hold the joints in place without gravity, (n, act_dim)."""
        command = view.qpos[:, self.hand.qpos]
        command[:, : self.arm_dofs] *= ARM_BIAS / ARM_GAIN
        return command

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table: the published fields, then the added ones."""
        return self.published_fields() + (self.added_fields() if self.is_full else ())

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return self.observe_published(view) | (self.observe_added(view) if self.is_full else {})

    @abstractmethod
    def published_fields(self) -> tuple[Field, ...]:
        """Return the published observation's fields."""

    @abstractmethod
    def observe_published(self, view: View) -> dict[str, FloatArray]:
        """Return the published observation."""

    def added_fields(self) -> tuple[Field, ...]:
        """Return the fields that the published observation lacks."""
        n = self.act_dim
        return (Field("joint_velocity", n, "rad/s or m/s", 100.0, "actuated joints"),)

    def observe_added(self, view: View) -> dict[str, FloatArray]:
        """Return the values of `added_fields`."""
        return {"joint_velocity": view.qvel[:, self.hand.dof]}
