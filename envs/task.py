"""The task interface: scene, initial state, observation and score, batched over rows.

A task holds no simulation and no episode. It reads a `View` of the requested rows, so the same
code serves `gymnasium.make` (one row), `gymnasium.make_vec`, the experts and the harness.
"""

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.arrays import BoolArray as BoolArray
from envs.arrays import FloatArray as FloatArray
from envs.arrays import IntArray as IntArray
from envs.cameras import Camera
from envs.fields import Field as Field
from envs.fields import agent_columns_of, check_fields, limits_of
from envs.fields import pictured as pictured
from envs.hand.hand import HandIndex, Mount, actuated_joints, index_hand
from envs.scene import SUBSTEPS
from envs.view import View as View

NO_MODE = -1
RIGHT_FRONT = Camera(target=(0.03, 0.0, 0.12), distance=0.72, azimuth=135.0, elevation=-22.0)
"""At right angles to the default `main` camera, seen from above."""


@dataclass
class Start:
    """The initial state of one episode.

    Attributes:
        qpos: Full generalised positions, (nq,), finite.
        memory: The episode's variables (goal, timing), each a flat float array, finite.
    """

    qpos: FloatArray
    memory: dict[str, FloatArray] = field(default_factory=dict)


@dataclass
class Score:
    """A task's evaluation of n rows after a control step.

    Attributes:
        solved: Whether the success condition holds at this step, (n,).
        failed: Whether an irreversible failure occurred, (n,).
        progress: Completed share of the task, (n,) in [0, 1].
        reward_terms: Named, already weighted reward terms, each (n,).
        mode: Index into `Task.modes` of the mode taken, (n,), or `NO_MODE`.
    """

    solved: BoolArray
    failed: BoolArray
    progress: FloatArray
    reward_terms: dict[str, FloatArray]
    mode: IntArray


class Task(ABC):
    """A dexterous-hand task. Subclasses are data sheets: see `envs.tasks.lift_cube`.

    Class attributes:
        name: The task's name; its Gymnasium id is `fmbench/<name>-v<version>`.
        version: Incremented by any change to dynamics, reward, observation, horizon or success.
        mount: The hand's mount, which determines act_dim (14, 20 or 40); a task with another hand
            overrides `find_hand` and `action_names` instead.
        substeps: Physics steps per control step.
        horizon: Control steps after which an episode is truncated.
        hold_steps: Consecutive control steps for which `Score.solved` must hold.
        modes: Names of the equally good modes, if the task has several.
        memory_sizes: Size of each variable that `draw_start` puts into the episode's memory.
        model_fields: Fields of the model whose values `model_values` sets for each episode. The
            constants that MuJoCo derives from them follow; mass and inertia do not follow a size.
        keeps_constants: Whether those constants stay as compiled instead. Only for a scene that is
            published so, where other places of bodies change them by rounding alone.
        reads: Fields of `MjData` that the task reads in addition to those of every view.
        looks_back: Whether `look_back` is called before the last substep of a control step.
        cameras: Cameras for pictures, besides the scene's own `main` camera.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 0
    mount: ClassVar[Mount]
    substeps: ClassVar[int] = SUBSTEPS
    horizon: ClassVar[int]
    hold_steps: ClassVar[int]
    modes: ClassVar[tuple[str, ...]] = ()
    memory_sizes: ClassVar[dict[str, int]] = {}
    model_fields: ClassVar[tuple[str, ...]] = ()
    keeps_constants: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ()
    looks_back: ClassVar[bool] = False
    cameras: ClassVar[dict[str, Camera]] = {"right-front": RIGHT_FRONT}
    description: ClassVar[str]

    def __init__(self) -> None:
        self.spec = self.build_scene()
        self.model: mujoco.MjModel = self.spec.compile()
        self.hand: HandIndex = self.find_hand()
        self._scratch = threading.local()
        self.index_scene()
        view = self._view_of_start()
        shapes = {name: np.shape(values) for name, values in self.observe(view).items()}
        check_fields(self.name, self.fields(), shapes, len(view))

    @property
    def id(self) -> str:
        """The Gymnasium id."""
        return f"fmbench/{self.name}-v{self.version}"

    @property
    def episodes_id(self) -> str:
        """Key of the episodes' random generators: the id, unless tasks share episodes."""
        return self.id

    @property
    def control_period_s(self) -> float:
        """Duration of a control step [s]."""
        return float(self.model.opt.timestep) * self.substeps

    @property
    def act_dim(self) -> int:
        """Number of actions: one absolute position target per actuated joint."""
        return len(self.hand.low)

    @cached_property
    def obs_dim(self) -> int:
        """Number of observed values."""
        return len(self._limits)

    @cached_property
    def _field_names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.fields())

    @cached_property
    def _limits(self) -> FloatArray:
        """The bound of each observed value, (obs_dim,)."""
        return limits_of(self.fields())

    @cached_property
    def agent_columns(self) -> BoolArray:
        """Which observed values remain beside pictures of the scene, (obs_dim,)."""
        return agent_columns_of(self.fields())

    @cached_property
    def agent_dim(self) -> int:
        """Number of observed values that remain beside pictures of the scene."""
        return int(self.agent_columns.sum())

    def _view_of_start(self) -> View:
        """Return a view of two rows that hold the same initial state."""
        start, rows = self.draw_start(np.random.default_rng(0)), np.arange(2)
        batch = Batch(self.model, len(rows), nthread=1, persistent=True)
        batch.bind("qpos")[:] = start.qpos
        batch.forward(ids=rows, stage=mujoco.mjtStage.mjSTAGE_VEL)
        names = ("qpos", "qvel", "site_xpos", "site_xmat", *self.reads)
        fields = {name: batch.bind(name) for name in names}
        memory = {name: np.tile(values, (len(rows), 1)) for name, values in start.memory.items()}
        return View(fields, memory, np.zeros_like(rows), rows)

    @property
    def scratch(self) -> mujoco.MjData:
        """Data for posing the scene while an initial state is drawn, one object per thread."""
        if not hasattr(self._scratch, "data"):
            self._scratch.data = mujoco.MjData(self.model)
        data: mujoco.MjData = self._scratch.data
        return data

    def touches(self, data: mujoco.MjData, qpos: FloatArray) -> bool:
        """Pose the scene at `qpos`, (nq,), and return whether there is any contact."""
        data.qpos = qpos
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_collision(self.model, data)
        return bool(data.ncon > 0)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the actions, those of the actuated joints."""
        return actuated_joints(self.mount)

    def find_hand(self) -> HandIndex:
        """Look up the hand in `self.model`."""
        return index_hand(self.model, self.mount)

    def command(self, actions: np.ndarray) -> FloatArray:
        """Scale actions in [-1, 1] to position targets [rad or m], (n, act_dim)."""
        low, high = self.hand.low, self.hand.high
        share: FloatArray = (np.clip(actions, -1.0, 1.0).astype(np.float64) + 1.0) * 0.5
        command: FloatArray = low + share * (high - low)
        return command

    def action(self, command: FloatArray) -> FloatArray:
        """Scale position targets [rad or m] to actions in [-1, 1], (n, act_dim)."""
        low, high = self.hand.low, self.hand.high
        scaled: FloatArray = np.clip(2.0 * (command - low) / (high - low) - 1.0, -1.0, 1.0)
        return scaled

    def resting_command(self, view: View) -> FloatArray:
        """Return the targets that hold the joints in place without gravity, (n, act_dim)."""
        return view.qpos[:, self.hand.qpos]

    def hand_fields(self) -> tuple[Field, ...]:
        """The fields that every task observes first."""
        n = self.act_dim
        return (
            Field("joint_position", n, "rad or m", 4.0, "actuated joints"),
            Field("joint_velocity", n, "rad/s or m/s", 50.0, "actuated joints"),
        )

    def observe_hand(self, view: View) -> dict[str, FloatArray]:
        """Return the values of `hand_fields`."""
        return {
            "joint_position": view.qpos[:, self.hand.qpos],
            "joint_velocity": view.qvel[:, self.hand.dof],
        }

    @abstractmethod
    def build_scene(self) -> mujoco.MjSpec:
        """Return the scene, hand included."""

    @abstractmethod
    def index_scene(self) -> None:
        """Look up the scene's named parts in `self.model`, once."""

    @abstractmethod
    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the initial state of one episode from that episode's generator."""

    @abstractmethod
    def fields(self) -> tuple[Field, ...]:
        """Return the observation's fields, in order."""

    @abstractmethod
    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values, each (n, size)."""

    @abstractmethod
    def score(self, view: View) -> Score:
        """Score n rows after a control step."""

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray | None:
        """Return the poses of the episodes' mocap bodies, if there are any.

        Mocap bodies are goal markers and other bodies that do not move. Returns positions
        (n, nmocap, 3) [m], or positions and quaternions wxyz (n, nmocap, 7).
        """
        del memory
        return None

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Return, for each of `model_fields`, an index into it and the rows' values, (n, k)."""
        del memory
        return {}

    def look_back(self, view: View) -> dict[str, FloatArray]:
        """Return the memory to store one substep before the end of the control step.

        Called only if the task `looks_back`. At a reset it reads the initial state.
        """
        del view
        return {}

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Return the memory to store after this control step (latches), each (n, k)."""
        del view
        return {}

    def observation(self, view: View) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Return the flat observation, (n, obs_dim) float32, clipped to the fields' limits."""
        values = self.observe(view)
        flat = np.concatenate([values[name] for name in self._field_names], axis=1)
        return flat.clip(-self._limits, self._limits).astype(np.float32)

    def observation_limits(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Return the bound of each observed value, (obs_dim,) float32."""
        return self._limits.astype(np.float32)
