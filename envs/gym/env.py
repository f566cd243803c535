"""Gymnasium environment of one episode at a time: a `World` with one row."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from envs.cameras import MAIN
from envs.gym.observations import Observations
from envs.gym.pixels import STATE, Sight, make_observations
from envs.gym.protocol import (
    RENDER_MODES,
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
from envs.render import Image, TaskRenderer
from envs.scene import CONTROL_PERIOD_S, RENDER_SIZE
from envs.world import World, check_actions

ROW = np.array([0])
REOPENED = ("_world", "_observations", "_renderer")
"""Attributes that a copy makes anew."""


class HandEnv(gymnasium.Env[Any, Array]):
    """A task as a Gymnasium environment.

    Observations are flat float32 arrays (obs_dim,), or dictionaries with pictures. Actions are
    absolute position targets scaled to [-1, 1] and clipped to it, (act_dim,). The task's docstring
    lists the components of both. The reward is the sum of the task's named terms. `terminated`
    means success, an irreversible failure, or an unstable simulation. The environment never
    truncates; Gymnasium's TimeLimit does, after the task's horizon.

    Infos have the same keys at every reset and step: `success` and its synonym `is_success` (the
    success condition has held for the task's `hold_steps`), `solved` (it holds now), `progress`
    in [0, 1], `mode` (index into the task's modes, or -1), `sim_unstable`, `episode_seed`, and
    each reward term as `reward/<name>`.

    Pickling and copying preserve the episode: the copy continues it bit for bit.

    Args:
        task: Name of the task.
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

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": round(1.0 / CONTROL_PERIOD_S),
    }

    _renderer: TaskRenderer | None

    def __init__(
        self,
        task: str,
        render_mode: str | None = None,
        observation: str = STATE,
        cameras: Sequence[str] = (MAIN,),
        image_size: int = 96,
        renderer: str = "auto",
    ) -> None:
        check_render_mode(render_mode)
        self.task, self.render_mode = task, render_mode
        self._sight = Sight(observation, cameras, image_size, renderer)
        self._is_closed, self._needs_reset = False, True
        self._open()
        self.task_description = self._world.task.description
        self.metadata = {**HandEnv.metadata, "render_fps": render_fps(self._world.task)}  # type: ignore[misc]
        self.observation_space = self._observations.space
        self.action_space = make_spaces(self._world.task)[1]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: The episode's seed, which also seeds `np_random`; without it, `np_random` draws
                the episode's seed.
            options: `{"episode_seed": int}` starts that episode without seeding `np_random`.

        Raises:
            ValueError: An option is unknown, or the episode's seed is not in [0, 2**63).
            gymnasium.error.Error: `seed` is not a whole number of at least 0.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        options = options or {}
        check_options(options, "episode_seed")
        chosen = options.get("episode_seed", seed)
        super().reset(seed=seed)
        if chosen is None:
            chosen = draw_episode_seed(self.np_random)
        self._world.reset(ROW, np.array([check_episode_seed(chosen)]))
        self._needs_reset = False
        infos = start_infos(self._world, ROW)
        return self._observe(), {key: array.item() for key, array in infos.items()}

    def step(self, action: Array) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advance by one control step (0.04 s unless the task defines another duration).

        Raises:
            ValueError: The action's shape is wrong, or it contains NaN or infinity.
            gymnasium.error.ResetNeeded: No episode is running.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        if self._needs_reset:
            raise ResetNeeded("No episode is running; call reset() before step().")
        actions = np.asarray(action)
        check_actions(actions, (self._world.task.act_dim,))
        outcome = self._world.step(ROW, actions[None])
        self._needs_reset = bool(outcome.terminated[0])
        infos = step_infos(self._world, ROW, outcome)
        info = {key: array.item() for key, array in infos.items()}
        observation = self._observe()
        reward = float(self._observations.rewards(outcome, ROW)[0])
        return observation, reward, self._needs_reset, False, info

    def render(self) -> Image | None:
        """Return an image of the current state, (480, 480, 3) uint8, in mode "rgb_array".

        Raises:
            RuntimeError: There is no OpenGL library, or this process was forked from one that has
                rendered; the message states what to do.
            gymnasium.error.ResetNeeded: No episode has been started.
            gymnasium.error.ClosedEnvironmentError: The environment is closed.
        """
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn(
                'render() needs a mode: gymnasium.make(..., render_mode="rgb_array").'
            )
            return None
        if self._world.episode_seeds[0] < 0:
            raise ResetNeeded("No episode is running; call reset() before render().")
        if self._renderer is None:
            self._renderer = TaskRenderer(self._world.task, RENDER_SIZE, RENDER_SIZE)
        image: Image = self._renderer.rows(self._world, ROW)[0]
        return image

    def close(self) -> None:
        """Release the simulation and the renderers; calling it twice is allowed."""
        if not self._is_closed:
            self._observations.close()
            if self._renderer is not None:
                self._renderer.close()
        self._is_closed = True

    def _observe(self) -> Any:
        self._observations.update(ROW)
        return self._observations.row(0)

    def _make_observations(self) -> Observations:
        """Return the buffer that observes and rewards the row."""
        return make_observations(self._world, self._sight, num_threads=1)

    def _open(self) -> None:
        # TimeLimit truncates, not the world, so that the user can choose `max_episode_steps`.
        self._world = World(make_task(self.task), num_threads=1, horizon=sys.maxsize)
        self._observations = self._make_observations()
        self._renderer = None

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedEnvironmentError("The environment is closed; make a new one.")

    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in self.__dict__.items() if k not in REOPENED}
        has_begun = self._world.episode_seeds[0] >= 0
        return {**state, "_snapshot": self._world.save(0) if has_begun else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        snapshot = state.pop("_snapshot")
        self.__dict__.update(state)
        self._open()
        if snapshot is not None:
            self._world.restore(0, snapshot)
