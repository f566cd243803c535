"""A task as LeRobot observes environments: its two states, pictures by camera, films."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict

from envs.cameras import MAIN
from envs.gym.env import ROW, HandEnv
from envs.gym.pixels import AGENT, PIXELS, STATE, picture_names
from envs.gym.protocol import Array
from envs.pictures.renderer import PictureRenderer, check_renderer, check_size, open_renderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.render import Image
from fmbench.lerobot.columns import Scaling
from fmbench.lerobot.layout import IMAGES, camera_key

ENVIRONMENT_STATE = "environment_state"
NEW_ROLLOUT = "lerobot_new_rollout"
"""The option with which LeRobot 0.6.1 marks a reset of its own; it changes nothing here."""


class LeRobotEnv(HandEnv):
    """A task as LeRobot observes environments; see `HandEnv` for everything else.

    `reset(seed=s)` starts the episode of seed s, the one that the harness starts for it. Unlike
    `gymnasium.make`, which adds wrappers that hide `task` and `task_description`, this class itself
    truncates after the task's horizon: LeRobot 0.4.4 looks for both at the outermost object.

    Observations are dictionaries: `agent_pos`, the robot's own state, float32; `environment_state`,
    objects and goals, float32, scaled as in the data set that a policy was trained on; and
    `pixels`, a dictionary of each camera's picture, `(image_size, image_size, 3)` uint8. A task
    without objects and goals has no `environment_state`, and without cameras there are no `pixels`.

    Args:
        task: Name of the task.
        scaling: Map of the environment state; None for the task's units.
        cameras: Names of cameras: "main", and those of the task's `cameras`.
        image_size: Pixels in a row and in a column of a picture, 16 to 480.
        renderer: "rays"; "opengl"; or "auto", OpenGL where a GPU draws and rays elsewhere. It draws
            pictures and films.
        film_size: Pixels in a row and in a column of what `render` returns, 16 to 480.

    Raises:
        ValueError: An argument is not accepted; the message states what is.
    """

    def __init__(
        self,
        task: str,
        scaling: Scaling | None = None,
        cameras: Sequence[str] = (),
        image_size: int = 96,
        renderer: str = "auto",
        film_size: int = 240,
    ) -> None:
        check_renderer(renderer)
        try:
            check_size(film_size)
        except ValueError as error:
            raise ValueError(f"film_size: {error}") from None
        self._scaling, self._film_size, self._film_renderer = scaling, film_size, renderer
        self._film: PictureRenderer | None = None
        self._max_episode_steps, self._taken = make_task(task).horizon, 0
        if cameras:
            super().__init__(task, "rgb_array", PIXELS, cameras, image_size, renderer)
        else:
            super().__init__(task, "rgb_array", STATE)
        self.observation_space: Dict = self._space()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode, as `HandEnv.reset`; LeRobot's own option is accepted too."""
        rest = {key: value for key, value in (options or {}).items() if key != NEW_ROLLOUT}
        self._taken = 0
        return super().reset(seed=seed, options=rest)

    def step(self, action: Array) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advance by one control step, as `HandEnv.step`; truncate after the task's horizon."""
        observation, reward, terminated, _, info = super().step(action)
        self._taken += 1
        truncated = not terminated and self._taken >= self._max_episode_steps
        return observation, reward, terminated, truncated, info

    def render(self) -> Image:
        """Return a picture of the camera "main", `(film_size, film_size, 3)` uint8."""
        if self._film is None:
            task, size = self._world.task, self._film_size
            self._film = open_renderer(task, (MAIN,), size, self._film_renderer, num_threads=1)
        image: Image = self._film.draw(picture_states(self._world, ROW))[0, 0]
        return image

    def close(self) -> None:
        """Release the simulation and the renderers; calling it twice is allowed."""
        if self._film is not None:
            self._film.close()
            self._film = None
        super().close()

    def _observe(self) -> dict[str, Any]:
        drawn = super()._observe()
        agent = self._world.task.agent_columns
        values = self._world.observe(ROW)
        observation: dict[str, Any] = {AGENT: values[0, agent]}
        if not agent.all():
            raw = values[:, ~agent]
            scaled = raw if self._scaling is None else self._scaling.apply(raw)
            observation[ENVIRONMENT_STATE] = scaled[0]
        if isinstance(drawn, dict):
            observation[PIXELS] = {
                _picture(camera): drawn[name] for camera, name in self._pictures().items()
            }
        return observation

    def _pictures(self) -> dict[str, str]:
        """Return the key of each camera's picture in `HandEnv`'s observation."""
        cameras = self._sight.cameras
        return dict(zip(cameras, picture_names(cameras), strict=True))

    def _space(self) -> Dict:
        agent, limits = self._world.task.agent_columns, self._world.task.observation_limits()
        spaces: dict[str, Any] = {AGENT: Box(-limits[agent], limits[agent], dtype=np.float32)}
        if not agent.all():
            bounds = np.stack((-limits[~agent], limits[~agent])).astype(np.float32)
            low, high = bounds if self._scaling is None else self._scaling.apply(bounds)
            spaces[ENVIRONMENT_STATE] = Box(low, high, dtype=np.float32)
        drawn = self.observation_space
        if isinstance(drawn, Dict):
            spaces[PIXELS] = Dict(
                {_picture(camera): drawn[name] for camera, name in self._pictures().items()}
            )
        return Dict(spaces)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_film": None}


def _picture(camera: str) -> str:
    """Return a camera's key among the pictures, as in the names of a data set's features."""
    return camera_key(camera).removeprefix(IMAGES)
