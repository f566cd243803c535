"""The environment that LeRobot steps, and what it takes from a data set; LeRobot is not needed."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.registry import make_task, task_id
from envs.task_hash import task_hash
from fmbench.errors import FmbenchError
from fmbench.lerobot.columns import Scaling, field_table
from fmbench.lerobot.conventions import Conventions, data_set_of
from fmbench.lerobot.env import LeRobotEnv
from fmbench.lerobot.layout import info

NAME, SEED = "ReachPose", 3_000_000
TASK = make_task(NAME)
AGENT = TASK.agent_columns
WIDTH = int((~AGENT).sum())
SCALING = Scaling(np.linspace(-1.0, 1.0, WIDTH), np.linspace(0.5, 2.0, WIDTH))


def actions(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return list(rng.uniform(-1.0, 1.0, (count, TASK.act_dim)).astype(np.float32))


def test_an_episode_is_that_of_gymnasium_make() -> None:
    plain, env = gymnasium.make(task_id(NAME)), LeRobotEnv(NAME, SCALING)
    raw, _ = plain.reset(seed=SEED)
    seen, _ = env.reset(seed=SEED, options={"lerobot_new_rollout": True})
    over = False
    for taken, action in enumerate(actions(TASK.horizon)):
        assert not over, taken
        assert seen.keys() == {"agent_pos", "environment_state"}
        assert np.array_equal(seen["agent_pos"], raw[AGENT])
        assert np.array_equal(seen["environment_state"], SCALING.apply(raw[None, ~AGENT])[0])
        raw, *rest = plain.step(action)
        seen, *own = env.step(action)
        assert own == rest
        over = rest[1] or rest[2]
    assert own[2]  # truncated at the horizon
    assert env.reset(seed=SEED)[1]["episode_seed"] == SEED
    assert not env.step(action)[3]


def test_lerobot_finds_what_it_asks_for() -> None:
    env = LeRobotEnv(NAME)
    assert (env._max_episode_steps, env.task) == (TASK.horizon, NAME)
    assert env.task_description == TASK.description
    assert env.metadata["render_fps"] == 25
    _, first = env.reset(seed=SEED)
    assert first["is_success"] is False
    assert env.step(actions(1)[0])[4]["is_success"] is False
    with pytest.raises(ValueError, match="Unknown reset options new_rollout"):
        env.reset(options={"new_rollout": True})


def test_pictures_are_those_of_the_cameras() -> None:
    cameras, size = ("main", "right-back"), 24
    plain = gymnasium.make(
        task_id(NAME), observation="pixels", cameras=cameras, image_size=size, renderer="rays"
    )
    env = LeRobotEnv(NAME, SCALING, cameras, size, "rays", film_size=20)
    drawn, seen = plain.reset(seed=SEED)[0], env.reset(seed=SEED)[0]
    assert set(seen["pixels"]) == {"main", "right_back"}
    for camera in cameras:
        picture = seen["pixels"][camera.replace("-", "_")]
        assert np.array_equal(picture, drawn[f"pixels/{camera}"])
    assert env.observation_space.contains(seen)
    film = env.render()
    assert (film.shape, film.dtype) == ((20, 20, 3), np.uint8)
    assert film.std() > 1
    env.close()
    env.close()


@pytest.mark.filterwarnings("ignore:.*render.*")
def test_gymnasium_accepts_it() -> None:
    check_env(LeRobotEnv(NAME, SCALING, film_size=16), skip_close_check=True)


def test_a_copy_continues_the_episode() -> None:
    env = LeRobotEnv(NAME, SCALING, renderer="rays", film_size=16)
    env.reset(seed=SEED)
    first, *rest = actions(4)
    env.step(first)
    env.render()
    copy = pickle.loads(pickle.dumps(env))
    for action in rest:
        ours, *own = env.step(action)
        theirs, *other = copy.step(action)
        assert own == other
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert np.array_equal(env.render(), copy.render())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "ReachPos"}, "unknown task 'ReachPos'; did you mean ReachPose"),
        ({"cameras": ["mian"]}, "unknown camera of ReachPose 'mian'; did you mean main?"),
        ({"film_size": 481}, "film_size: the image size is 481; give a whole number"),
        ({"renderer": "ray"}, "unknown renderer 'ray'; did you mean rays?"),
    ],
)
def test_mistakes_are_told(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LeRobotEnv(**{"task": NAME, **values})


def described(folder: Path, **ours: Any) -> Path:
    """Write what a data set says of itself; return its folder."""
    path = folder / "meta" / "info.json"
    path.parent.mkdir()
    path.write_text(json.dumps(info(TASK, {"episodes": 1, "frames": 1}, {}, ours)))
    return folder


OURS: dict[str, Any] = {
    "task": task_id(NAME),
    "fields": field_table(TASK),
    "task_hash": task_hash(NAME),
    "environment_state": SCALING.to_json(),
    "cameras": {"observation.images.right_back": "right-back"},
    "pictures": {"size": 48, "renderer_renderer": "rays"},
}


def test_a_data_set_says_how_to_observe(tmp_path: Path) -> None:
    found = Conventions.read(described(tmp_path, **OURS), None)
    assert found.task.name == NAME
    assert found.scaling is not None
    assert found.scaling.to_json() == SCALING.to_json()
    assert (found.cameras, found.image_size, found.renderer) == (("right-back",), 48, "rays")


def test_a_data_set_of_others_is_in_the_tasks_units(tmp_path: Path) -> None:
    found = Conventions.read(described(tmp_path), NAME)
    assert dataclasses.replace(found, task=TASK) == Conventions(TASK, None)
    assert found.task.name == NAME
    with pytest.raises(FmbenchError, match="names no task of fmbench; give the task's name"):
        Conventions.read(tmp_path, None)


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        ({"task": "fmbench/ReachPose-v0"}, "the task is 'fmbench/ReachPose-v0', which this"),
        ({"task_hash": "0" * 64}, "is of another version of fmbench/ReachPose-v1"),
        ({"cameras": ["main"]}, "'cameras' or 'pictures' is no table"),
        ({"environment_state": {"offset": [0.0]}}, "is not that of 30 values"),
    ],
)
def test_a_data_set_that_does_not_fit_is_refused(
    ours: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(FmbenchError, match=message):
        Conventions.read(described(tmp_path, **{**OURS, **ours}), None)


def test_a_checkpoint_names_its_data_set() -> None:
    assert data_set_of({"dataset": {"root": "data/own"}}) == Path("data/own")
    assert data_set_of({"dataset": {"root": None, "repo_id": "own/own"}}) is None
    assert data_set_of({}) is None
