"""Gymnasium vector environment: N episodes as the rows of one `World`."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import ClosedEnvironmentError, Error, ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.cameras import MAIN
from envs.gym.env import HandEnv
from envs.gym.observations import Observations
from envs.gym.pixels import STATE, Sight, make_observations
from envs.gym.protocol import (
    Array,
    check_episode_seed,
    check_options,
    check_render_mode,
    draw_episode_seed,
    make_spaces,
    render_fps,
    start_infos,
    step_infos,
)
from envs.registry import make_task
from envs.render import TaskRenderer
from envs.scene import RENDER_SIZE
from envs.task import BoolArray, FloatArray, IntArray
from envs.world import World, check_actions

Infos = dict[str, Any]
Step = tuple[Any, FloatArray, BoolArray, BoolArray, Infos]


class HandVectorEnv(VectorEnv[Any, Array, np.ndarray]):
    """N environments of one task, stepped together.

    Row i behaves exactly, bit for bit, as `HandEnv` under TimeLimit in Gymnasium's SyncVectorEnv:
    the same seeds, episodes, autoreset and infos.

    Args:
        task: Name of the task.
        num_envs: N.
        max_episode_steps: Control steps after which an episode is truncated; by default the
            task's horizon; -1 means never.
        autoreset_mode: When an ended episode is followed by the next: at the next step, whose
            action is ignored (default); at the same step, which then returns `final_obs` and
            `final_info`; or only by `reset(options={"reset_mask": ...})`.
        num_threads: Threads that step the simulations; 0 means one per processor.
        render_mode: None or "rgb_array".
        observation: "state", the flat observation; or "pixels", a dictionary of `pixels`,
            (image_size, image_size, 3) uint8, and `agent_pos`, the observed values that no picture
            shows, float32. With several cameras, each has its own `pixels/<camera>`.
        cameras: Names of cameras: "main", and those of the task's `cameras`.
        image_size: Pixels in a row and in a column of a picture, 16 to 480.
        renderer: "rays"; "opengl"; or "auto", OpenGL where a GPU draws and rays elsewhere.

    Raises:
        ValueError: An argument is not accepted; the message states what is.
    """

    metadata: ClassVar[dict[str, Any]] = HandEnv.metadata  # type: ignore[misc]

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int = 0,
        render_mode: str | None = None,
        observation: str = STATE,
        cameras: Sequence[str] = (MAIN,),
        image_size: int = 96,
        renderer: str = "auto",
    ) -> None:
        check_render_mode(render_mode)
        self._sight = Sight(observation, cameras, image_size, renderer)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.render_mode, self.task, self.num_envs = render_mode, task, num_envs
        horizon = sys.maxsize if max_episode_steps == -1 else max_episode_steps
        self._num_threads = num_threads
        self._world = World(make_task(task), num_envs, num_threads, horizon)
        self.task_description = self._world.task.description
        fps = render_fps(self._world.task)
        extras = {"autoreset_mode": self.autoreset_mode, "render_fps": fps}
        self.metadata = {**HandEnv.metadata, **extras}  # type: ignore[misc]
        self._observations = self._make_observations()
        self.single_observation_space = self._observations.space
        self.single_action_space = make_spaces(self._world.task)[1]
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._is_over: BoolArray = np.ones(num_envs, dtype=np.bool_)
        self._has_begun: BoolArray = np.zeros(num_envs, dtype=np.bool_)
        self._generators: list[tuple[np.random.Generator, int] | None] = [None] * num_envs
        self._renderer: TaskRenderer | None = None

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Each row's generator."""
        return tuple(self._generator(row)[0] for row in range(self.num_envs))

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """Each row's seed."""
        return tuple(self._generator(row)[1] for row in range(self.num_envs))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, Infos]:
        """Start episodes in all rows, or in the rows of a mask.

        Args:
            seed: Row i gets seed + i, or item i of a sequence; a row without a seed draws one.
            options: `{"reset_mask": array}`, (N,) bool: the other rows continue their episodes.

        Raises:
            ValueError: An option is unknown, or the mask or the number of seeds is wrong.
            gymnasium.error.Error: A seed is not a whole number of at least 0.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        options = options or {}
        check_options(options, "reset_mask")
        mask = self._check_mask(options.get("reset_mask", np.ones(self.num_envs, dtype=np.bool_)))
        seeds = self._spread_seeds(seed)
        rows = np.flatnonzero(mask)
        for row in rows.tolist():
            if seeds[row] is not None:
                self._generators[row] = seeding.np_random(seeds[row])
        self._begin(rows, [seeds[row] for row in rows.tolist()])
        infos: Infos = {}
        _merge(infos, start_infos(self._world, rows), rows, self.num_envs)
        return self._observations.all_rows(), infos

    def step(self, actions: Array) -> Step:
        """Advance every row by one control step, or start its next episode.

        Raises:
            ValueError: The actions' shape is wrong, or a running row gets NaN or infinity.
            gymnasium.error.ResetNeeded: A row was never reset; or its episode has ended and the
                autoreset mode is DISABLED.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        world, actions = self._world, np.asarray(actions)
        following, rows = np.flatnonzero(self._is_over), world.all_rows
        if len(following):
            if self.autoreset_mode is AutoresetMode.DISABLED or not self._has_begun.all():
                raise ResetNeeded(
                    f"No episode is running in rows {following.tolist()}; call reset() first."
                )
            actions = self._for_running(actions)
            rows = np.flatnonzero(~self._is_over)
        infos: Infos = {}
        reward: FloatArray = np.zeros(0)
        terminated: BoolArray = np.zeros(0, dtype=np.bool_)
        truncated = terminated
        if len(rows):
            outcome = world.step(rows, actions)
            self._observations.update(rows)
            reward, terminated = self._observations.rewards(outcome, rows), outcome.terminated
            # As in Gymnasium's TimeLimit, an episode that terminates at the limit is truncated too.
            truncated = world.step_count[rows] >= world.horizon
            self._is_over[rows] = terminated | truncated
            _merge(infos, step_infos(world, rows, outcome), rows, self.num_envs)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            following = np.flatnonzero(self._is_over)
            if len(following):
                self._keep_final(infos, following)
        if len(following):
            self._begin(following, [None] * len(following))
            _merge(infos, start_infos(world, following), following, self.num_envs)
        n = self.num_envs
        returned = _full(reward, rows, n), _full(terminated, rows, n), _full(truncated, rows, n)
        return self._observations.all_rows(), *returned, infos

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Return an image of each row, (480, 480, 3) uint8, in mode "rgb_array".

        Raises:
            RuntimeError: There is no OpenGL library, or this process was forked from one that has
                rendered; the message states what to do.
            gymnasium.error.ResetNeeded: A row was never reset.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn(
                'render() needs a mode: gymnasium.make_vec(..., render_mode="rgb_array").'
            )
            return None
        if not self._has_begun.all():
            raise ResetNeeded("Not every row has an episode; call reset() before render().")
        if self._renderer is None:
            self._renderer = TaskRenderer(self._world.task, RENDER_SIZE, RENDER_SIZE)
        return tuple(self._renderer.rows(self._world, self._world.all_rows))

    def close_extras(self, **kwargs: Any) -> None:
        """Free the renderers."""
        del kwargs
        self._observations.close()
        if self._renderer is not None:
            self._renderer.close()

    def _make_observations(self) -> Observations:
        """Return the buffer that observes and rewards the rows."""
        return make_observations(self._world, self._sight, self._num_threads)

    def _for_running(self, actions: np.ndarray) -> np.ndarray:
        """Return the actions of the rows whose episodes go on; the others' may even be NaN."""
        shape = (self.num_envs, self._world.task.act_dim)
        if actions.shape == shape:
            actions = np.where(self._is_over[:, None], 0.0, actions)
        check_actions(actions, shape)
        return actions[~self._is_over]

    def _begin(self, rows: IntArray, seeds: list[int | None]) -> None:
        pairs = zip(rows.tolist(), seeds, strict=True)
        chosen = [draw_episode_seed(self._generator(r)[0]) if s is None else s for r, s in pairs]
        self._world.reset(rows, np.array([check_episode_seed(value) for value in chosen]))
        self._observations.update(rows)
        self._is_over[rows], self._has_begun[rows] = False, True

    def _keep_final(self, infos: Infos, rows: IntArray) -> None:
        final: Infos = {}
        ended = {key: value[rows] for key, value in infos.items() if not key.startswith("_")}
        _merge(final, ended, rows, self.num_envs)
        observations = np.full(self.num_envs, None, dtype=object)
        for row in rows.tolist():
            observations[row] = self._observations.row(row)
        mask = np.isin(np.arange(self.num_envs), rows)
        infos |= {"final_obs": observations, "_final_obs": mask}
        infos |= {"final_info": final, "_final_info": mask.copy()}

    def _generator(self, row: int) -> tuple[np.random.Generator, int]:
        pair = self._generators[row] or seeding.np_random()
        self._generators[row] = pair
        return pair

    def _spread_seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int):
            return [seed + i for i in range(self.num_envs)]
        if not isinstance(seed, Sequence) or isinstance(seed, str):
            raise Error(f"Seed must be a python integer or a list, actual type: {type(seed)}")
        if len(seed) != self.num_envs:
            raise ValueError(f"seed has {len(seed)} seeds; give {self.num_envs}, one per row.")
        return list(seed)

    def _check_mask(self, mask: object) -> BoolArray:
        shape, dtype = getattr(mask, "shape", None), getattr(mask, "dtype", None)
        if not isinstance(mask, np.ndarray) or shape != (self.num_envs,) or dtype != np.bool_:
            raise ValueError(f"reset_mask is {mask!r}; give a ({self.num_envs},) bool array.")
        if not mask.any():
            raise ValueError("reset_mask selects no row; set at least one to True.")
        return mask

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError("The environment is closed; make a new one.")


def _full(values: np.ndarray, rows: IntArray, n: int) -> np.ndarray:
    """Return rows' values as an array of all rows, (n,), which is 0 or False in the others."""
    if len(rows) == n:
        return values
    full = np.zeros(n, dtype=values.dtype)
    full[rows] = values
    return full


def _merge(infos: Infos, values: dict[str, np.ndarray], rows: IntArray, n: int) -> None:
    """Write rows' values into (n,) arrays, and mark them as present in `_key`."""
    if not infos and len(rows) == n:  # the usual step: all rows, in order
        present = np.ones((len(values), n), dtype=np.bool_)
        for (key, array), mask in zip(values.items(), present, strict=True):
            infos[key], infos[f"_{key}"] = array.copy(), mask
        return
    for key, array in values.items():
        infos.setdefault(key, np.zeros(n, dtype=array.dtype))[rows] = array
        infos.setdefault(f"_{key}", np.zeros(n, dtype=np.bool_))[rows] = True
