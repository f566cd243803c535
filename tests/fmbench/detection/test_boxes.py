"""Boxes are exactly around the pixels that show a thing."""

import mujoco
import numpy as np
import pytest

from envs.pictures.ray_scene import RayPictures
from envs.pictures.rays import RayRenderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.world import World
from fmbench.detection.boxes import boxes_of
from fmbench.detection.classes import CLASSES, Part, parts_of

CUBE, GOAL, HAND = 3, 5, 1
PARTS = [Part("object", np.array([CUBE])), Part("goal", np.array([GOAL, 9]))]


def cast(height: int = 20, width: int = 40) -> RayPictures:
    """Return one picture of nothing but a hand."""
    pictures = RayPictures.of_shape((1, 1, height, width))
    pictures.geoms[:], pictures.markers[:] = HAND, -1
    return pictures


def test_a_box_is_exactly_around_its_pixels() -> None:
    pictures = cast()
    pictures.geoms[0, 0, 4:9, 10:30] = CUBE
    ((boxes,),) = boxes_of(pictures, PARTS)
    assert boxes.kinds.tolist() == [CLASSES.index("object")]
    assert boxes.places == pytest.approx(np.array([[20 / 40, 6.5 / 20, 20 / 40, 5 / 20]]))


def test_a_translucent_goal_and_the_object_in_it_have_a_box_each() -> None:
    pictures = cast()
    pictures.geoms[0, 0, 5:10, 5:10] = CUBE
    pictures.markers[0, 0, 2:15, 0:20] = GOAL
    ((boxes,),) = boxes_of(pictures, PARTS)
    assert [CLASSES[kind] for kind in boxes.kinds] == ["object", "goal"]
    expected = [[7.5 / 40, 7.5 / 20, 5 / 40, 5 / 20], [10 / 40, 8.5 / 20, 20 / 40, 13 / 20]]
    assert boxes.places == pytest.approx(np.array(expected))


def test_what_is_hidden_has_no_box() -> None:
    pictures = cast(96, 96)
    pictures.geoms[0, 0, 3, 3:6] = CUBE  # three pixels
    pictures.geoms[0, 0, 9, 3:7] = 9  # four
    ((boxes,),) = boxes_of(pictures, PARTS)
    assert [CLASSES[kind] for kind in boxes.kinds] == ["goal"]
    ((nothing,),) = boxes_of(cast(), PARTS)
    assert nothing.places.shape == (0, 4)
    assert len(nothing.kinds) == 0


def test_any_box_holds_all_pixels_and_touches_them_on_every_side() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        pictures = cast()
        shown = rng.random((20, 40)) < rng.uniform(0.01, 0.3)
        pictures.geoms[0, 0, shown] = CUBE
        ((boxes,),) = boxes_of(pictures, PARTS)
        (x, y, w, h) = boxes.places[0] * [40, 20, 40, 20]
        rows, columns = np.nonzero(shown)
        assert (columns.min(), columns.max() + 1) == pytest.approx((x - w / 2, x + w / 2))
        assert (rows.min(), rows.max() + 1) == pytest.approx((y - h / 2, y + h / 2))


def test_boxes_are_where_the_camera_projects_the_object() -> None:
    task = make_task("LiftCube")
    world = World(task, 6)
    world.reset(world.all_rows, 2_000_000 + world.all_rows)
    states = picture_states(world, world.all_rows)
    states.qpos[:, task.hand.qpos[:3]] = (-0.25, 0.25, 0.40)  # the hand hides nothing there
    cameras = ("main", "right-front")
    renderer = RayRenderer(task, cameras, 192)
    drawn = renderer.picture_model
    found = boxes_of(renderer.cast(states), parts_of(drawn))
    model, data = drawn.model, mujoco.MjData(drawn.model)
    for k, of_state in enumerate(found):
        drawn.poses(states).put(k, model, data)
        mujoco.mj_forward(model, data)
        for camera, boxes in zip(drawn.cameras, of_state, strict=True):
            for kind, body in (("object", "cube"), ("goal", "goal")):
                (place,) = boxes.places[boxes.kinds == CLASSES.index(kind)]
                local = data.cam_xmat[camera].reshape(3, 3).T @ (
                    data.body(body).xpos - data.cam_xpos[camera]
                )
                scale = 0.5 / np.tan(np.radians(model.cam_fovy[camera]) / 2) / -local[2]
                centre = np.array([0.5 + scale * local[0], 0.5 - scale * local[1]])
                assert np.abs(place[:2] - centre).max() < 0.015, (kind, place, centre)
    renderer.close()
