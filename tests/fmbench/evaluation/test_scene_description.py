"""Descriptions of scenes: everything that a picture shows, in plain data."""

import json

import mujoco
import numpy as np
import pytest

from envs.pictures.scene import visible_geoms
from envs.pictures.states import PictureStates
from envs.registry import make_task, suite
from fmbench.evaluation.scene_description import (
    KINDS,
    Scene,
    describe_scene,
    poses_of_episode,
)


def states_of(name: str, count: int, seed: int = 0) -> PictureStates:
    task = make_task(name)
    start = task.draw_start(np.random.default_rng(seed))
    memory = {key: np.tile(values, (count, 1)) for key, values in start.memory.items()}
    return PictureStates(np.tile(start.qpos, (count, 1)), memory)


@pytest.mark.parametrize("name", suite())
def test_every_task_is_described(name: str) -> None:
    scene = describe_scene(make_task(name))
    model, values = scene.model.model, json.loads(json.dumps(scene.values))
    assert values == json.loads(json.dumps(scene.values, allow_nan=False))
    assert len(values["bodies"]) == model.nbody
    assert len(values["joints"]) == model.njnt
    assert len(values["geoms"]) == len(scene.shapes) == visible_geoms(model).sum()
    named = {geom[6] for geom in values["geoms"]} - {""}
    assert named == set(scene.meshes)
    assert bool(named) == name.startswith("Adroit")
    assert [camera["name"] for camera in values["cameras"]] == ["main", *make_task(name).cameras]
    assert len(json.dumps(values)) < 20_000
    poses = poses_of_episode(scene, states_of(name, 2))
    assert poses.mocap.shape == (2, model.nmocap, 7)
    np.testing.assert_allclose(np.linalg.norm(poses.mocap[..., 3:], axis=-1), 1, atol=1e-9)


def test_values_of_an_episode_name_their_row_of_the_scene() -> None:
    scene, states = describe_scene(make_task("RelocateBall")), states_of("RelocateBall", 3)
    ((field, row, numbers),) = poses_of_episode(scene, states).fields
    assert field == "geom_size"
    assert numbers[0] == pytest.approx(float(states.memory["radius"][0, 0]), abs=1e-7)
    assert scene.values["geoms"][row][1] == "sphere"
    model = scene.model.model
    ball = model.body("ball").id
    assert scene.values["geoms"][row][0] == ball
    scene = describe_scene(make_task("AdroitDoor"))
    ((field, row, _),) = poses_of_episode(scene, states_of("AdroitDoor", 1)).fields
    assert (field, scene.model.model.body(row).name) == ("body_pos", "frame")


def test_a_field_that_changes_in_an_episode_is_refused() -> None:
    scene, states = describe_scene(make_task("RelocateBall")), states_of("RelocateBall", 2)
    states.memory["radius"][1] *= 1.1
    with pytest.raises(ValueError, match="geom_size of RelocateBall changes during an episode"):
        poses_of_episode(scene, states)


def test_a_camera_looks_along_its_axis_at_its_target() -> None:
    scene = describe_scene(make_task("PressEither"))
    data = mujoco.MjData(scene.model.model)
    mujoco.mj_forward(scene.model.model, data)
    for camera, k in zip(scene.values["cameras"], scene.model.cameras, strict=True):
        axis = -data.cam_xmat[k].reshape(3, 3)[:, 2]
        way = np.subtract(camera["target"], camera["position"])
        np.testing.assert_allclose(way / np.linalg.norm(way), axis, atol=1e-5)


def test_a_shape_that_is_not_drawn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    box = next(kind for kind, name in KINDS.items() if name == "box")
    monkeypatch.delitem(KINDS, box)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"PressEither shows geoms of the types \{{{box}\}}"):
        describe_scene(make_task("PressEither"))


def test_a_scene_is_a_function_of_its_task() -> None:
    first, second = (describe_scene(make_task("AdroitDoor")) for _ in range(2))
    assert isinstance(first, Scene)
    assert (first.values, first.meshes) == (second.values, second.meshes)
