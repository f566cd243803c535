"""Labelled pictures of a task, drawn from the states of expert episodes under command noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from envs.arrays import IntArray
from envs.cameras import MAIN
from envs.experts.command_noise import CommandNoise
from envs.pictures.rays import RayRenderer
from envs.pictures.renderer import PictureRenderer, open_renderer
from envs.pictures.states import PictureStates, joined, picture_states
from envs.registry import make_expert, make_task
from envs.render import Image
from envs.task import Task
from envs.world import World
from fmbench.detection.boxes import Boxes, boxes_of
from fmbench.detection.classes import parts_of
from fmbench.harness.rollout import MAX_SIMS, Episode, Float32Array, rollout
from fmbench.harness.seeds import episode_seeds
from fmbench.harness.watched_world import WatchedWorld

STATES_PER_PART = 32
"""States that are drawn together; pictures do not depend on it."""


@dataclass(frozen=True)
class PictureSettings:
    """How pictures are made.

    Attributes:
        cameras: Names of cameras; empty for all of a task.
        size: Pixels in a row and in a column.
        renderer: As in `open_renderer`.
        per_episode: States of an episode, each drawn by every camera.
        noise: Scale of the command noise.
        seed: Decides which states of an episode are drawn.
    """

    cameras: tuple[str, ...] = ()
    size: int = 96
    renderer: str = "auto"
    per_episode: int = 8
    noise: float = 1.0
    seed: int = 0

    def cameras_of(self, task: Task) -> tuple[str, ...]:
        """Return the names of the cameras that draw a task."""
        return self.cameras or (MAIN, *task.cameras)


class TaskPictures:
    """Draws and labels pictures of one task.

    The rays that label a picture hit the geoms that it shows, whatever draws it.

    Args:
        name: The task.
        settings: How pictures are made.

    Attributes:
        identity: What the bytes of the pictures depend on, besides states.

    Raises:
        ValueError: A camera, the size or the renderer is not accepted.
        RuntimeError: OpenGL was asked for and does not start.
    """

    def __init__(self, name: str, settings: PictureSettings) -> None:
        self._task, self._settings = make_task(name), settings
        cameras = settings.cameras_of(self._task)
        self._renderer: PictureRenderer = open_renderer(
            self._task, cameras, settings.size, settings.renderer
        )
        self._rays = RayRenderer(self._task, cameras, settings.size)
        self._parts = parts_of(self._rays.picture_model)
        self.identity = self._renderer.identity

    def states(
        self, first_seed: int, episodes: int, on_episode: Callable[[int], None]
    ) -> PictureStates:
        """Return states of expert episodes, `per_episode` of each, in the order of the episodes.

        They are spread over the episode, one at random in each of as many equal parts. Episodes in
        which the expert fails are kept: a policy fails, too.

        Args:
            first_seed: The episodes' seeds begin with it.
            episodes: Number of episodes.
            on_episode: Called with the number of episodes that ended.
        """
        seeds, chosen = episode_seeds(first_seed, episodes), []
        for first in range(0, episodes, MAX_SIMS):
            block = seeds[first : first + MAX_SIMS]
            films = self._films(block, first, on_episode)
            for seed in block.tolist():
                rng = np.random.default_rng((self._settings.seed, seed))
                chosen += [films[seed][k] for k in _spread(len(films[seed]), self._count, rng)]
        return joined(chosen)

    def draw(self, states: PictureStates) -> Iterator[tuple[Image, list[list[Boxes]]]]:
        """Yield pictures (n, cameras, H, W, 3), and the boxes of each, in the order of states."""
        for first in range(0, len(states), STATES_PER_PART):
            part = states.rows(slice(first, first + STATES_PER_PART))
            yield self._renderer.draw(part), boxes_of(self._rays.cast(part), self._parts)

    def close(self) -> None:
        """Free the renderers."""
        self._renderer.close()
        self._rays.close()

    @property
    def _count(self) -> int:
        return self._settings.per_episode

    def _films(
        self, seeds: IntArray, done: int, on_episode: Callable[[int], None]
    ) -> dict[int, list[PictureStates]]:
        """Roll out the expert, after `done` episodes; return every state of each, by seed."""
        films: dict[int, list[PictureStates]] = {seed: [] for seed in seeds.tolist()}

        def keep(world: World, rows: IntArray, observations: Float32Array) -> None:
            del observations
            for row in rows:
                seed = int(world.episode_seeds[row])
                films[seed].append(picture_states(world, np.array([row])))

        def count(_: Episode) -> None:
            nonlocal done
            done += 1
            on_episode(done)

        world = WatchedWorld(self._task, min(len(seeds), MAX_SIMS), keep)
        noise = CommandNoise(world, self._settings.noise)
        rollout(world, make_expert(world), seeds, disturbance=noise, on_episode=count)
        return films


def _spread(states: int, count: int, rng: np.random.Generator) -> list[int]:
    """Return `count` of `states` numbers, one at random in each of as many equal parts."""
    edges = np.linspace(0, states, count + 1)
    return [int(place) for place in rng.uniform(edges[:-1], edges[1:])]
