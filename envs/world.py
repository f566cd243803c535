"""The simulation engine: step and score N simulations of one task.

An episode is a function of (task, version, episode seed) alone. It does not depend on N, its row,
the number of threads or earlier episodes.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.episode_streams import EpisodeStreams
from envs.row_models import RowModels
from envs.task import NO_MODE, BoolArray, FloatArray, IntArray, Task, View

STATE_STAGE = mujoco.mjtStage.mjSTAGE_VEL
WARNING_NUMBER = 1  # `Batch.warning` holds (lastinfo, number) of each kind


@dataclass
class Outcome:
    """The result of one control step for n rows; every array is (n,).

    Attributes:
        reward: Sum of the task's reward terms.
        solved: The success condition holds at this step.
        success: The condition has held for the task's `hold_steps`: the benchmark's success.
        terminated: Success, an irreversible failure, or an unstable simulation.
        truncated: The horizon is reached and the episode is not terminated.
        failed: An irreversible failure occurred.
        unstable: The simulation diverged, now or at the start of the episode; the episode ends and
            counts as a failure.
        progress: In [0, 1].
        mode: Index into the task's modes, or -1.
        reward_terms: The terms whose sum is `reward`.
    """

    reward: FloatArray
    solved: BoolArray
    success: BoolArray
    terminated: BoolArray
    truncated: BoolArray
    failed: BoolArray
    unstable: BoolArray
    progress: FloatArray
    mode: IntArray
    reward_terms: dict[str, FloatArray]


@dataclass(frozen=True)
class Snapshot:
    """The complete state of one row: restoring it continues the episode bit for bit.

    Attributes:
        physics: The integration state, warm start included, (nstate,).
        memory: The episode's variables.
        counters: Control steps done, consecutive solved steps, and the episode seed.
        is_over: Whether the episode has ended.
        warnings: The simulation's counters of warnings, (kinds, 2).
    """

    physics: FloatArray
    memory: dict[str, FloatArray]
    counters: tuple[int, int, int]
    is_over: bool
    warnings: IntArray


class World:
    """N simulations of a task.

    Args:
        task: The task.
        num_sims: N.
        num_threads: Threads that step the simulations; 0 means one per processor. Results do not
            depend on it.
        horizon: Control steps after which an episode is truncated; by default the task's.
    """

    def __init__(
        self, task: Task, num_sims: int = 1, num_threads: int = 0, horizon: int | None = None
    ) -> None:
        if num_sims < 1:
            raise ValueError(f"num_sims is {num_sims}; give a whole number of at least 1.")
        if horizon is not None and horizon < 1:
            raise ValueError(f"horizon is {horizon}; give a whole number of at least 1.")
        silence_mujoco()
        self.task, self.num_sims = task, num_sims
        self._start_streams = EpisodeStreams(task, "start")
        self.horizon = task.horizon if horizon is None else horizon
        self.batch = Batch(task.model, num_sims, nthread=num_threads, persistent=True)
        names: tuple[str, ...] = ("qpos", "qvel", "ctrl", "time", "site_xpos", "site_xmat")
        names += ("mocap_pos", "mocap_quat") if task.model.nmocap else ()
        names += task.reads
        self._blank: FloatArray = self.batch.state[0].copy()  # at rest
        self._fields = {name: self.batch.bind(name) for name in names}
        self._models = RowModels(self.batch, task.model_fields, task.keeps_constants)
        self.model_fields = self._models.fields
        self.memory: dict[str, FloatArray] = {
            name: np.zeros((num_sims, size)) for name, size in task.memory_sizes.items()
        }
        drawn = ("qpos", "mocap_pos", "mocap_quat")  # at the start of an episode
        self._drawn = {name: self._fields[name] for name in drawn if name in self._fields}
        self._drawn |= self.model_fields
        self._drawn |= {f"memory.{name}": values for name, values in self.memory.items()}
        self.step_count: IntArray = np.zeros(num_sims, dtype=np.int64)
        self.episode_seeds: IntArray = np.full(num_sims, -1, dtype=np.int64)
        self._held: IntArray = np.zeros(num_sims, dtype=np.int64)
        self._is_over: BoolArray = np.ones(num_sims, dtype=np.bool_)

    @property
    def all_rows(self) -> IntArray:
        """Every row, (N,)."""
        return np.arange(self.num_sims)

    def view(self, rows: IntArray) -> View:
        """Return the current physics and memory of `rows`."""
        return View(self._fields, self.memory, self.step_count, rows)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Reset `rows`, (n,), to the initial states of the episodes `episode_seeds`, (n,).

        MuJoCo replaces a state that it cannot simulate by one at rest, with a warning. The first
        control step of such an episode reports it as unstable.

        Raises:
            ValueError: The task drew an initial state of the wrong shape, or one with NaN or
                infinity; the message states the episode and the entry.
        """
        task, shape = self.task, (self.task.model.nq,)
        keys = self._start_streams.keys(episode_seeds)
        starts = [task.draw_start(self._start_streams.at(key)) for key in keys]
        if wrong := [start.qpos.shape for start in starts if start.qpos.shape != shape]:
            raise ValueError(f"draw_start gave qpos {wrong[0]}, not {shape}.")
        self._is_over[rows] = True  # until the reset is complete
        self.batch.warning[rows] = 0  # MuJoCo does not count on when it resets a state
        self.batch.state[rows] = self._blank
        qpos = np.stack([start.qpos for start in starts])
        self._fields["qpos"][rows] = qpos
        self._fields["ctrl"][rows] = qpos[:, task.hand.qpos].clip(task.hand.low, task.hand.high)
        for name, values in self.memory.items():
            values[rows] = np.stack([start.memory[name] for start in starts])
        self._show_goals(rows)
        self._check_drawn(rows, episode_seeds)
        self.batch.forward(ids=np.sort(rows), stage=STATE_STAGE)
        self._look_back(rows)
        self.step_count[rows] = 0
        self._held[rows] = 0
        self.episode_seeds[rows] = episode_seeds
        self._is_over[rows] = False

    def observe(self, rows: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Return the observations of `rows`, (n, obs_dim) float32."""
        return self.task.observation(self.view(rows))

    def is_unstable(self, rows: IntArray) -> BoolArray:
        """Return whether MuJoCo has warned of `rows` since their reset, its own included, (n,)."""
        unstable: BoolArray = self.batch.warning[rows, :, WARNING_NUMBER].any(axis=1)
        return unstable

    def step(self, rows: IntArray, actions: np.ndarray) -> Outcome:
        """Advance `rows` by one control step.

        Args:
            rows: The rows to step, (n,); each must have been reset, its episode not over.
            actions: Absolute position targets scaled to [-1, 1], (n, act_dim).

        Raises:
            ValueError: The actions' shape is wrong, or they contain NaN or infinity.
            RuntimeError: A row's episode is over.
        """
        check_actions(actions, (len(rows), self.task.act_dim))
        if self._is_over[rows].any():
            over = rows[self._is_over[rows]].tolist()
            raise RuntimeError(f"The episodes in rows {over} are over; reset them before a step.")
        self._fields["ctrl"][rows] = self.task.command(actions)
        ids, substeps = np.sort(rows), self.task.substeps
        if self.task.looks_back:
            self.batch.step(ids=ids, nstep=substeps - 1, stage=STATE_STAGE)
            self._look_back(rows)
            substeps = 1
        self.batch.step(ids=ids, nstep=substeps, stage=STATE_STAGE)
        self.step_count[rows] += 1
        view = self.view(rows)
        changes = self.task.update_memory(view)
        if changes:
            for name, values in changes.items():
                self.memory[name][rows] = values
            self._show_goals(rows)
        return self._judge(rows, view)

    def save(self, row: int) -> Snapshot:
        """Return a snapshot of one row."""
        physics = self.batch.state[row].copy()
        memory = {name: values[row].copy() for name, values in self.memory.items()}
        counters = (int(self.step_count[row]), int(self._held[row]), int(self.episode_seeds[row]))
        warnings = self.batch.warning[row].copy()
        return Snapshot(physics, memory, counters, bool(self._is_over[row]), warnings)

    def restore(self, row: int, snapshot: Snapshot) -> None:
        """Continue in `row` from a snapshot of this task."""
        rows = np.array([row])
        self.batch.reset(ids=np.sort(rows), stage=mujoco.mjtStage.mjSTAGE_NONE)
        self.batch.state[row] = snapshot.physics
        for name, values in snapshot.memory.items():
            self.memory[name][row] = values
        self._show_goals(rows)
        self.batch.forward(ids=np.sort(rows), stage=STATE_STAGE)
        self.step_count[row], self._held[row], self.episode_seeds[row] = snapshot.counters
        self.batch.warning[row] = snapshot.warnings
        self._is_over[row] = snapshot.is_over

    def _judge(self, rows: IntArray, view: View) -> Outcome:
        score, steps = self.task.score(view), view.step_count
        is_late = np.abs(self._fields["time"][rows] - steps * self.task.control_period_s) > 1e-6
        unstable = self.is_unstable(rows) | is_late
        solved = score.solved & ~score.failed & ~unstable
        held = np.where(solved, self._held[rows] + 1, 0)
        self._held[rows] = held
        success = held >= self.task.hold_steps
        terminated = success | score.failed | unstable
        truncated = ~terminated & (steps >= self.horizon)
        self._is_over[rows] = terminated | truncated
        terms = {name: np.where(unstable, 0.0, v) for name, v in score.reward_terms.items()}
        return Outcome(
            reward=sum(terms.values(), np.zeros(len(rows))),
            solved=solved,
            success=success,
            terminated=terminated,
            truncated=truncated,
            failed=score.failed,
            unstable=unstable,
            progress=np.where(unstable, 0.0, np.where(success, 1.0, score.progress)),
            mode=np.where(unstable, NO_MODE, score.mode),
            reward_terms=terms,
        )

    def _check_drawn(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Check that everything the task drew for the simulations of `rows` is finite."""
        for name, values in self._drawn.items():
            is_finite = np.isfinite(values[rows])
            if not is_finite.all():
                k, *entry = np.argwhere(~is_finite)[0].tolist()
                value = values[(rows[k], *entry)]
                raise ValueError(
                    f"{self.task.name}: the initial state of episode seed {episode_seeds[k]} has "
                    f"{name}{entry} = {value}; the task must draw finite numbers."
                )

    def _look_back(self, rows: IntArray) -> None:
        if self.task.looks_back:
            for name, values in self.task.look_back(self.view(rows)).items():
                self.memory[name][rows] = values

    def _show_goals(self, rows: IntArray) -> None:
        memory = {name: values[rows] for name, values in self.memory.items()}
        poses = self.task.mocap(memory)
        if poses is not None:
            self._fields["mocap_pos"][rows] = poses[..., :3]
            if poses.shape[-1] == 7:
                self._fields["mocap_quat"][rows] = poses[..., 3:]
        self._models.write(rows, self.task.model_values(memory))


def silence_mujoco() -> None:
    """Stop MuJoCo from printing and from writing MUJOCO_LOG.TXT into the current directory.

    MuJoCo does both whenever a simulation diverges, which `Outcome.unstable` reports. The setting
    affects the whole process.
    """
    config = mujoco.MjLogConfig.get()
    config.logto_file = config.logto_console = False
    config.set()


def check_actions(actions: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check that actions have the right shape and are finite.

    Raises:
        ValueError: They are not; the message states the shape or the first bad index.
    """
    if actions.shape != shape:
        raise ValueError(f"Actions have shape {actions.shape}; this task takes {shape}.")
    if not np.isfinite(actions).all():
        where = np.argwhere(~np.isfinite(actions))[0].tolist()
        raise ValueError(f"Actions contain NaN or infinity at {where}; give values in [-1, 1].")
