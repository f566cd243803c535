"""Detector classes, labelled pictures, data and runs work for tasks on described hands as well."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from envs.cameras import MAIN
from envs.hand.attach import PREFIX
from envs.hand.catalogue import find_hand
from envs.pictures.scene import PictureModel, picture_model, visible_geoms
from envs.registry import ON_HAND, TASKS, goal_id, make_task, task_id
from fmbench import figures
from fmbench.config import FEATURES
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig
from fmbench.detection.classes import CLASSES, OBJECT, parts_of
from fmbench.detection.pictures import PictureSettings, TaskPictures
from fmbench.harness.seeds import VALIDATION
from tests.envs.hand.described import REAL
from tests.fmbench.data.test_minari_file import REPLAY
from tests.fmbench.runs import small_experiment
from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.small_run import call, finish, start

pytestmark = pytest.mark.real_hand
ON_HANDS = tuple(name for name, entry in TASKS.items() if entry.hand)
SMALL = PictureSettings(size=48, renderer="rays", per_episode=2)
COUNTED = {
    # One goal for each finger, one object for each key; as many as the hand has fingers.
    "ReachPose": lambda fingers: {"goal": fingers},
    "PressChord": lambda fingers: {"object": 1, "other": fingers - 1, "goal": fingers},
}


def base_of(name: str) -> str:
    return name.removesuffix(TASKS[name].hand.capitalize())


def parts(name: str) -> tuple[PictureModel, Counter[str], list[str]]:
    """Return the scene of a task, how many parts of each class it has, and their bodies."""
    drawn = picture_model(make_task(name), (MAIN,))
    found = parts_of(drawn)
    bodies = [drawn.model.body(int(drawn.model.geom_bodyid[part.geoms[0]])).name for part in found]
    return drawn, Counter(part.kind for part in found), bodies


@pytest.mark.parametrize("name", ON_HANDS)
def test_classes_are_those_of_the_task_on_the_fmbench_hand(name: str) -> None:
    drawn, kinds, bodies = parts(name)
    base, fingers = base_of(name), len(find_hand(TASKS[name].hand).fingers)
    _, expected, names = parts(base)
    assert kinds == (COUNTED[base](fingers) if base in COUNTED else expected)
    if base not in (*COUNTED, "PressEither"):  # whose bodies have the names of fingers
        assert bodies == names
    model = drawn.model
    of_hand = [k for k in range(model.nbody) if model.body(k).name.startswith(PREFIX)]
    hand = set(model.body_rootid[of_hand].tolist())
    for part in parts_of(drawn):
        assert visible_geoms(model)[part.geoms].all()
        assert not hand & set(model.body_rootid[model.geom_bodyid[part.geoms]].tolist())


@pytest.mark.parametrize("name", ["PressEitherShadow", "InsertPegAllegro", "LiftCubeLeap"])
def test_labels_come_from_the_simulator(name: str) -> None:
    pictures = TaskPictures(name, SMALL)
    states = pictures.states(VALIDATION, 2, lambda done: None)
    images, boxes = next(pictures.draw(states))
    cameras = 1 + len(make_task(name).cameras)
    assert images.shape == (4, cameras, 48, 48, 3)
    assert images.std() > 10
    seen: set[str] = set()
    for of_state in boxes:
        for each in of_state:
            seen |= {CLASSES[kind] for kind in each.kinds.tolist()}
            assert ((each.places >= 0) & (each.places <= 48)).all()
    assert OBJECT in seen
    pictures.close()


def test_demonstrations_recover_their_environment_and_replay(tmp_path: Path) -> None:
    names = ("PressChordShadow", "TurnDialAllegro", "LiftCubeLeap")
    folders = [
        make_demonstrations(DemonstrationConfig(name, 2), tmp_path)[0] / "data" for name in names
    ]
    code, out, err = finish(start(tmp_path, "-c", REPLAY, *folders))
    assert code == 0, err
    assert out.splitlines() == [f"{task_id(name)} HandEnv" for name in names]


def test_tasks_have_a_goal_where_they_have_one_on_the_fmbench_hand() -> None:
    import gymnasium

    import fmbench  # noqa: F401  registers the ids

    for name in ON_HANDS:
        assert (
            TASKS[name].has_goal == TASKS[base_of(name)].has_goal == ON_HAND[base_of(name)].has_goal
        )
        assert (goal_id(name) in gymnasium.registry) == TASKS[name].has_goal
    assert {TASKS[name].hand for name in ON_HANDS} == set(REAL)


@pytest.mark.usefixtures("torch_threads")
def test_a_run_that_sees_pictures_is_trained_evaluated_and_drawn(tmp_path: Path) -> None:
    out, config = tmp_path / "run", replace(SEEING[FEATURES], task=("LiftCubeLeap",))
    with quickly_seeing():
        small_experiment.run(config, out, tmp_path / "data")
    rows = pd.read_csv(out / "summary.csv")
    assert set(rows["task"]) == {"LiftCubeLeap"}
    assert {"expert", "random", *config.policy} <= set(rows["policy"])
    assert np.isfinite(rows["success_rate"]).all()
    assert "LiftCubeLeap" in (out / "summary.md").read_text(encoding="utf-8")
    before = (out / "summary.csv").read_bytes()
    assert call(figures.main, out) == 0
    assert (out / "summary.csv").read_bytes() == before
