"""Observations with pictures: what cameras see, beside what no picture shows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from gymnasium.spaces import Box, Dict

from envs.cameras import MAIN
from envs.gym.observations import (
    DictObservations,
    FlatObservations,
    GoalObservations,
    Observations,
)
from envs.names import unknown
from envs.pictures.renderer import PictureRenderer, check_renderer, check_size, open_renderer
from envs.pictures.scene import check_cameras
from envs.pictures.states import picture_states
from envs.task import IntArray, Task
from envs.world import World

STATE, PIXELS = "state", "pixels"
AGENT = "agent_pos"
FEATURES = (
    "observation is 'features'; features belong to the encoder of a trained policy, which an "
    "environment does not have: give 'pixels' and encode them, or 'state'"
)


@dataclass(frozen=True)
class Sight:
    """What an environment observes.

    Attributes:
        observation: "state" or "pixels".
        cameras: Names of the cameras: "main", and those of `Task.cameras`.
        image_size: Pixels in a row and in a column.
        renderer: "auto", "rays" or "opengl".
    """

    observation: str = STATE
    cameras: Sequence[str] = (MAIN,)
    image_size: int = 96
    renderer: str = "auto"

    def check(self, task: Task) -> None:
        """Check the values for a task.

        Raises:
            ValueError: One is not accepted, or needs pictures; the message states what is.
        """
        if self.observation == "features":
            raise ValueError(FEATURES)
        if self.observation not in (STATE, PIXELS):
            raise unknown("observation", str(self.observation), (STATE, PIXELS))
        if isinstance(self.cameras, str):
            raise ValueError(
                f"cameras is {self.cameras!r}; give a list of names, e.g. [{self.cameras!r}]"
            )
        check_cameras(task, self.cameras)
        check_size(self.image_size)
        check_renderer(self.renderer)
        usual, given = asdict(Sight()), asdict(self) | {"cameras": tuple(self.cameras)}
        for name, value in given.items():
            if self.observation == STATE and value != usual[name]:
                raise ValueError(f"{name} is {value!r}, which needs observation='pixels'")


class PixelObservations(DictObservations):
    """Pictures of each row, uint8 (H, W, 3), and `agent_pos`, float32.

    The pictures of one camera are `pixels`, those of several `pixels/<camera>`. The renderer is
    opened when the first row is observed.

    Args:
        world: The world that is observed.
        sight: Cameras, size and renderer, checked.
        num_threads: Threads that cast rays; 0 means one per processor.
    """

    def __init__(self, world: World, sight: Sight, num_threads: int) -> None:
        self._sight, self._num_threads = sight, num_threads
        self._names = picture_names(sight.cameras)
        self._renderer: PictureRenderer | None = None
        super().__init__(world, pixel_space(world.task, sight))

    def look(self, rows: IntArray) -> dict[str, np.ndarray]:
        """Draw and observe rows."""
        if self._renderer is None:
            sight, task = self._sight, self._world.task
            self._renderer = open_renderer(
                task, tuple(sight.cameras), sight.image_size, sight.renderer, self._num_threads
            )
        pictures = self._renderer.draw(picture_states(self._world, rows))
        agent = self._world.observe(rows)[:, self._world.task.agent_columns]
        return {AGENT: agent} | {name: pictures[:, k] for k, name in enumerate(self._names)}

    def close(self) -> None:
        """Free the renderer; calling it twice is allowed."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def picture_names(cameras: Sequence[str]) -> tuple[str, ...]:
    """Return the key of each camera's pictures."""
    if len(cameras) == 1:
        return (PIXELS,)
    return tuple(f"{PIXELS}/{camera}" for camera in cameras)


def pixel_space(task: Task, sight: Sight) -> Dict:
    """Return the space of one observation with pictures."""
    limits = task.observation_limits()[task.agent_columns]
    shape = (sight.image_size, sight.image_size, 3)
    pictures = {name: Box(0, 255, shape, np.uint8) for name in picture_names(sight.cameras)}
    return Dict({AGENT: Box(-limits, limits, dtype=np.float32), **pictures})


def make_observations(world: World, sight: Sight, num_threads: int) -> Observations:
    """Return the buffer of what an environment observes.

    Raises:
        ValueError: A value of `sight` is not accepted.
    """
    sight.check(world.task)
    if sight.observation == PIXELS:
        return PixelObservations(world, sight, num_threads)
    return FlatObservations(world)


def make_goal_observations(world: World, sight: Sight) -> GoalObservations:
    """Return the buffer of goal-conditioned observations.

    Raises:
        ValueError: The task has no goal, or pictures are to be observed.
    """
    sight.check(world.task)
    if sight.observation != STATE:
        raise ValueError(
            f"observation is {sight.observation!r}; the goal-conditioned variant observes 'state' "
            f"only: make {world.task.id} for pictures"
        )
    return GoalObservations(world)
