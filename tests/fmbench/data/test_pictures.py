"""Pictures of demonstrations: drawn once, equal to fresh ones, and made again where they differ."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.pictures.rays import RayRenderer
from envs.pictures.renderer import open_renderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.world import World
from fmbench.data.pictures import draw_demonstrations, picture_spec
from fmbench.data.store import Demonstrations

CAMERAS, SIZE = ("main", "right-front"), 24


@pytest.fixture(scope="module")
def renderer() -> Iterator[RayRenderer]:
    drawing = RayRenderer(make_task("PressEither"), CAMERAS, SIZE)
    yield drawing
    drawing.close()


def test_stored_pictures_equal_freshly_drawn_ones(
    demonstrations: Demonstrations, renderer: RayRenderer, tmp_path: Path
) -> None:
    task, folder = make_task("PressEither"), tmp_path / "demonstrations"
    told: list[tuple[str, int]] = []
    stored = draw_demonstrations(
        folder,
        task,
        demonstrations,
        renderer,
        CAMERAS,
        SIZE,
        on_picture=lambda stage, done: told.append((stage, done)),
    )
    count = len(demonstrations.observations)
    assert stored.is_new
    assert stored.folder.name.startswith("demonstrations-pictures-")
    assert stored.array.shape == (count, 2, SIZE, SIZE, 3)
    assert stored.array.dtype == np.uint8
    assert told[3] == ("replay", 4)
    assert told[-1] == ("pictures", count)
    world = World(task, 2)
    seeds = np.array(demonstrations.manifest["episode_seeds"][:2])
    world.reset(world.all_rows, seeds)
    fresh = renderer.draw(picture_states(world, world.all_rows))
    firsts = [0, demonstrations.lengths[0] + 1]
    np.testing.assert_array_equal(stored.array[firsts], fresh)
    one = open_renderer(task, CAMERAS, SIZE, "rays", num_threads=1)
    again = draw_demonstrations(folder, task, demonstrations, one, CAMERAS, SIZE)
    assert not again.is_new
    assert again.folder == stored.folder


def test_pictures_belong_to_what_decides_their_bytes(
    demonstrations: Demonstrations, renderer: RayRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task("PressEither")

    def key(data: Demonstrations = demonstrations, drawing: RayRenderer = renderer) -> str:
        return picture_spec(task, data, drawing, CAMERAS, SIZE).key

    keys = [key(), key(replace(demonstrations, sha256="0" * 64))]
    assert key() == key(drawing=RayRenderer(task, CAMERAS, SIZE)) == keys[0]
    other = RayRenderer(task, CAMERAS, SIZE)
    other.picture_model.model.geom_rgba[3, 0] += 0.1
    keys.append(key(drawing=other))
    other = RayRenderer(task, CAMERAS, SIZE)
    other.identity = {**other.identity, "mujoco": "5.0.0"}
    keys.append(key(drawing=other))
    camera = task.cameras["right-front"]
    moved = {**task.cameras, "right-front": camera._replace(distance=camera.distance + 0.01)}
    monkeypatch.setattr(type(task), "cameras", moved)
    keys.append(key(drawing=RayRenderer(task, CAMERAS, SIZE)))
    keys.append(picture_spec(task, demonstrations, renderer, CAMERAS, SIZE + 1).key)
    keys.append(picture_spec(task, demonstrations, renderer, CAMERAS[:1], SIZE).key)
    assert len(set(keys)) == len(keys)
