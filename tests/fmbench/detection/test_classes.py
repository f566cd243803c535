"""What a detector looks for in each task follows from the scene."""

from collections.abc import Iterator

import numpy as np
import pytest

from envs.cameras import MAIN
from envs.pictures.scene import PictureModel, picture_model, visible_geoms
from envs.registry import has_extra, make_task, suite
from fmbench.detection.classes import CLASSES, Part, parts_of
from tests.envs.test_cameras import MARKS, objects

FOUND = {
    "LiftCube": {"object": ["cube"], "goal": ["goal"]},
    "PickEither": {"object": ["left"], "other": ["right"]},
    "PlaceCube": {"object": ["cube"], "goal": ["pad"]},
    "RelocateBall": {"object": ["ball"], "goal": ["goal"]},
    "AvoidPost": {"object": ["cube"], "other": ["post"], "goal": ["goal"]},
    "StackCubes": {"object": ["cube"], "other": ["base"]},
    "InsertPeg": {"object": ["peg"], "other": ["peg"], "goal": ["hole"]},
    "OpenDoor": {"object": ["door"], "other": ["lever"]},
    "PressEither": {"object": ["index_key"], "other": ["middle_key"], "goal": ["lamp"]},
    "TurnDial": {"object": ["dial"], "other": ["dial"], "goal": ["goal"]},
    "ReachPose": {"goal": [f"{f}_goal" for f in ("thumb", "index", "middle", "ring", "little")]},
    "AdroitRelocate": {"object": ["Object"], "goal": ["world"]},
    "AdroitPen": {"object": ["Object"], "other": ["Object"], "goal": ["target"]},
}
"""The body of each part, by class."""
CARRIERS = {"board", "door_frame", "stem", "rack"}
"""Bodies that an episode places and that only carry an object."""


@pytest.fixture(params=suite())
def drawn(request: pytest.FixtureRequest) -> PictureModel:
    if not has_extra(request.param):
        pytest.skip("the extra is not installed")
    return picture_model(make_task(request.param), (MAIN,))


def bodies(drawn: PictureModel, parts: list[Part]) -> Iterator[tuple[str, str]]:
    for part in parts:
        (body,) = set(drawn.model.geom_bodyid[part.geoms].tolist())
        yield part.kind, drawn.model.body(body).name


def test_every_object_and_goal_has_a_class_and_nothing_else(drawn: PictureModel) -> None:
    parts = parts_of(drawn)
    assert parts
    assert {part.kind for part in parts} <= set(CLASSES)
    assert sum(part.kind == "object" for part in parts) <= 1
    model, names = drawn.model, {name for _, name in bodies(drawn, parts)}
    task = drawn.task
    hands = {int(model.body_rootid[task.model.joint(n).bodyid[0]]) for n in task.action_names}
    for part in parts:
        assert visible_geoms(model)[part.geoms].all()
        assert not hands & set(model.body_rootid[model.geom_bodyid[part.geoms]].tolist())
    lamps = {model.body(k).name for k in range(model.nbody) if "lamp" in model.body(k).name}
    if not task.name.startswith("Adroit"):  # whose tables are bodies, too
        assert names == (set(objects(drawn)) | lamps) - {"marks", "post"} - CARRIERS | (
            {"post"} if task.name == "AvoidPost" else set()
        )


def test_the_body_of_each_part(drawn: PictureModel) -> None:
    expected = FOUND.get(drawn.task.name)
    if expected is not None:
        pairs = list(bodies(drawn, parts_of(drawn)))
        found = {k: [name for kind, name in pairs if kind == k] for k in CLASSES}
        assert {k: names for k, names in found.items() if names} == expected


@pytest.mark.parametrize("name", MARKS)
def test_the_other_part_of_a_turned_object_is_its_mark(name: str) -> None:
    drawn = picture_model(make_task(name), (MAIN,))
    (mark,) = [part.geoms for part in parts_of(drawn) if part.kind == "other"]
    assert sorted(mark.tolist()) == sorted(objects(drawn)["marks"].tolist())
    (whole,) = [part.geoms for part in parts_of(drawn) if part.kind == "object"]
    assert set(mark.tolist()) < set(whole.tolist())


def test_parts_are_the_same_for_any_cameras() -> None:
    task = make_task("TurnDial")
    first, second = (parts_of(picture_model(task, c)) for c in ((MAIN,), (*task.cameras, MAIN)))
    for one, other in zip(first, second, strict=True):
        assert one.kind == other.kind
        assert np.array_equal(one.geoms, other.geoms)
