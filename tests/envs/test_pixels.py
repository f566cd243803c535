"""Environments that observe pictures: the same episodes and bytes, alone and in a batch."""

import copy
import json
import multiprocessing
import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import fmbench  # noqa: F401  registers the ids
from envs.pictures.renderer import open_renderer
from envs.pictures.states import picture_states
from envs.registry import goal_id, has_extra, make_task, suite, task_id
from envs.world import World
from tests.envs.test_contract import assert_same, random_actions, roll
from tests.thorough import thoroughly

SMALL = {"observation": "pixels", "image_size": 36, "renderer": "rays"}
BOTH = {**SMALL, "cameras": ("main", "right-front")}
LIFT = task_id("LiftCube")


def make(env_id: str = LIFT, **given: Any) -> gymnasium.Env:
    return gymnasium.make(env_id, **SMALL | given).unwrapped


def test_one_camera_is_pixels_and_several_have_their_names() -> None:
    space = gymnasium.make(LIFT, observation="pixels").observation_space
    assert set(space.spaces) == {"pixels", "agent_pos"}
    assert space["pixels"] == Box(0, 255, (96, 96, 3), np.uint8)
    task = make_task("LiftCube")
    limits = task.observation_limits()[task.agent_columns]
    assert space["agent_pos"] == Box(-limits, limits, dtype=np.float32)
    space = make(**BOTH).observation_space
    assert set(space.spaces) == {"pixels/main", "pixels/right-front", "agent_pos"}
    assert space["pixels/right-front"] == Box(0, 255, (36, 36, 3), np.uint8)


def test_observation_is_what_the_cameras_see_and_what_no_picture_shows() -> None:
    env, plain, world = make(**BOTH), gymnasium.make(LIFT), World(make_task("LiftCube"))
    renderer = open_renderer(world.task, ("right-front", "main"), 36, "rays")
    seen, flat = env.reset(seed=3)[0], plain.reset(seed=3)[0]
    world.reset(world.all_rows, np.array([3]))
    for action in random_actions("LiftCube", 5):
        pictures = renderer.draw(picture_states(world, world.all_rows))[0]
        assert_same(seen["pixels/main"], pictures[1])
        assert_same(seen["pixels/right-front"], pictures[0])
        assert_same(seen["agent_pos"], flat[world.task.agent_columns])
        step, plain_step = env.step(action), plain.step(action)
        world.step(world.all_rows, action[None])
        assert_same(step[1:], plain_step[1:])
        seen, flat = step[0], plain_step[0]
    renderer.close()


CHECKED = [name for name in suite() if has_extra(name)]


@pytest.mark.slow
@pytest.mark.parametrize("name", thoroughly(CHECKED, always=CHECKED[::4]))
def test_environment_checkers_pass(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = make(task_id(name), cameras=("main", *make_task(name).cameras))
        check_env(env, skip_render_check=True)
        sb3_check_env(make(task_id(name)))


@pytest.mark.parametrize("name", ["LiftCube", "PressEither"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_vector_env_equals_sync_vector_env(name: str, mode: AutoresetMode) -> None:
    kwargs: dict[str, Any] = {"num_envs": 3, "max_episode_steps": 4, **BOTH}
    ours = gymnasium.make_vec(task_id(name), autoreset_mode=mode, **kwargs)
    sync = gymnasium.make_vec(
        task_id(name), vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **kwargs
    )
    assert ours.observation_space == sync.observation_space
    assert_same(ours.reset(seed=5), sync.reset(seed=5))
    for i, actions in enumerate(random_actions(name, 12, 3)):
        if i == 2:  # desynchronise the rows
            options = {"reset_mask": np.array([False, True, False])}
            seeds = [1, 2, None]
            assert_same(
                ours.reset(seed=seeds, options=options), sync.reset(seed=seeds, options=options)
            )
        results = ours.step(actions), sync.step(actions)
        assert_same(*results)
        mask = results[0][2] | results[0][3]
        if mode is AutoresetMode.SAME_STEP and mask.any():
            assert {"pixels/main", "agent_pos"} < set(results[0][4]["final_obs"][mask][0])
        if mode is AutoresetMode.DISABLED and mask.any():
            options = {"reset_mask": mask}
            assert_same(ours.reset(options=options), sync.reset(options=options))
    ours.close()
    sync.close()
    with pytest.raises(ClosedEnvironmentError):
        ours.reset()


def test_rows_do_not_depend_on_their_number_or_threads() -> None:
    seen = []
    for num_envs, threads in ((1, 1), (4, 2)):
        envs = gymnasium.make_vec(LIFT, num_envs=num_envs, num_threads=threads, **SMALL)
        first = envs.reset(seed=8)[0]
        second = envs.step(random_actions("LiftCube", 4)[:num_envs])[0]
        seen.append([{name: part[0] for name, part in each.items()} for each in (first, second)])
        envs.close()
    assert_same(*seen)


def test_observations_are_copies() -> None:
    env, envs = make(), gymnasium.make_vec(LIFT, num_envs=1, **SMALL)
    for one in (env, envs):
        before = one.reset(seed=1)[0]
        kept = copy.deepcopy(before)
        one.step(random_actions("LiftCube", *([1] if one is envs else [])))
        assert_same(before, kept)


def _spawned(env: gymnasium.Env, actions: np.ndarray, queue: Any) -> None:
    queue.put(roll(env, actions))


@pytest.mark.thorough
def test_copies_continue_the_episode() -> None:
    env, actions = make(**BOTH), random_actions("LiftCube", 8)
    pickle.loads(pickle.dumps(env)).reset(seed=0)  # also before the first episode
    env.reset(seed=2)
    roll(env, actions[:3])
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_spawned, args=(env, actions[3:], queue))
    process.start()
    spawned = queue.get(timeout=120)
    process.join()
    expected = roll(env, actions[3:])
    assert_same(expected, spawned)
    for twin in copies:
        assert_same(expected, roll(twin, actions[3:]))
        twin.close()


def test_renderer_is_opened_late_and_closed() -> None:
    env, envs = make(), gymnasium.make_vec(LIFT, num_envs=2, **SMALL)
    for one in (env, envs):
        observations = one._observations
        assert observations._renderer is None
        one.reset(seed=0)
        renderer, states = observations._renderer, picture_states(one._world, np.array([0]))
        renderer.draw(states)
        one.close()
        one.close()
        assert observations._renderer is None
        with pytest.raises(RuntimeError, match="closed"):
            renderer.draw(states)
    make().close()


def test_diverged_simulation_is_drawn() -> None:
    env = make()
    env.reset(seed=0)
    env._world.batch.bind("qvel")[0] = 1e9
    observation, _, terminated, _, info = env.step(random_actions("LiftCube"))
    assert terminated
    assert info["sim_unstable"]
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"observation": "features"}, "features belong to the encoder of a trained policy"),
        ({"observation": "pixel"}, "unknown observation 'pixel'; did you mean pixels?"),
        ({"observation": None}, "unknown observation 'None'; known: pixels, state"),
        ({"cameras": ("top",)}, "unknown camera of LiftCube 'top'; known: main, right-front"),
        ({"cameras": "main"}, r"cameras is 'main'; give a list of names, e.g. \['main'\]"),
        ({"cameras": ()}, "the list of cameras is empty"),
        ({"cameras": ("main", "main")}, "name each camera once"),
        ({"image_size": 0}, "the image size is 0; give a whole number of pixels from 16 to 480"),
        ({"renderer": "ray"}, "unknown renderer 'ray'; did you mean rays?"),
        ({"observation": "state"}, "image_size is 36, which needs observation='pixels'"),
    ],
)
def test_bad_input_is_rejected(given: dict[str, Any], message: str) -> None:
    for maker in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ValueError, match=message):
            maker(LIFT, **SMALL | given)


def test_goals_and_pictures_together_are_rejected() -> None:
    for maker in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ValueError, match=f"only: make {LIFT} for pictures"):
            maker(goal_id("LiftCube"), **SMALL)


def test_arguments_survive_json_and_steps_need_a_reset() -> None:
    env = gymnasium.make(LIFT, **BOTH)
    with pytest.raises(ResetNeeded):
        env.unwrapped.step(random_actions("LiftCube"))
    again = gymnasium.make(EnvSpec.from_json(json.dumps(json.loads(env.spec.to_json()))))
    assert again.observation_space == env.observation_space
    assert_same(again.reset(seed=1), env.reset(seed=1))


@pytest.mark.slow
def test_stable_baselines3_trains_on_pictures() -> None:
    env = gymnasium.make(LIFT, **BOTH)
    model = PPO(
        "MultiInputPolicy", env, n_steps=32, batch_size=16, n_epochs=1, device="cpu", seed=0
    )
    before = [part.clone() for part in model.policy.parameters()]
    model.learn(64)
    after = list(model.policy.parameters())
    assert all(part.isfinite().all() for part in after)
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    observation, _ = env.reset(seed=0)
    action, _ = model.predict(observation)
    assert env.action_space.contains(action)


def test_pictures_and_rendering_share_opengl() -> None:
    try:
        env = gymnasium.make(
            LIFT, **SMALL | {"renderer": "opengl"}, render_mode="rgb_array"
        ).unwrapped
        before = env.reset(seed=3)[0]
    except RuntimeError as error:
        pytest.skip(str(error))
    image = env.render()
    assert_same(env.reset(seed=3)[0], before)
    assert np.array_equal(env.render(), image)
    assert not np.array_equal(before["pixels"], make().reset(seed=3)[0]["pixels"])
    env.close()
