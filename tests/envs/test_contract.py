"""Gymnasium's contract and the benchmark's guarantees, for every registered task."""

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
from gymnasium.error import ClosedEnvironmentError, Error, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import fmbench  # noqa: F401  registers the ids
from envs.gym.vector_env import HandVectorEnv
from envs.registry import TASKS, goal_id, has_extra, make_expert, make_task, task_id
from envs.world import World
from tests.envs.expert_runs import demonstration

NAMES = tuple(name for name in TASKS if has_extra(name))
SEED = 5
STEPS = 12
"""Control steps of random actions, of which differences between batches would be seen."""
every_task = pytest.mark.parametrize("name", NAMES)
FIRST_GOAL = next(name for name in NAMES if TASKS[name].has_goal)
ANY_MODE = ("ReachPose", "LiftCube", "AdroitPen")
"""Tasks whose environments are reset in every mode; where tests are thorough, all of them."""
VECTOR_IDS = [
    *((name, task_id(name)) for name in NAMES),
    *(
        pytest.param(name, goal_id(name), marks=() if name == FIRST_GOAL else pytest.mark.thorough)
        for name in NAMES
        if TASKS[name].has_goal
    ),
]


def make(name: str) -> gymnasium.Env:
    return gymnasium.make(task_id(name)).unwrapped


def random_actions(name: str, *shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (*shape, make_task(name).act_dim)).astype(np.float32)


def roll(env: gymnasium.Env, actions: np.ndarray) -> list[tuple[Any, ...]]:
    """Return the result of each step until the episode ends."""
    steps = []
    for action in actions:
        steps.append(env.step(action))
        if steps[-1][2]:
            break
    return steps


def assert_same(a: Any, b: Any, path: str = "") -> None:
    """Compare nested results bit for bit, dtypes included."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            assert_same(a[key], b[key], f"{path}/{key}")
    elif isinstance(a, list | tuple) or (isinstance(a, np.ndarray) and a.dtype == object):
        assert len(a) == len(b), path
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            assert_same(left, right, f"{path}[{i}]")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, path
        assert np.array_equal(a, b), path
    else:
        assert type(a) is type(b), path
        assert a == b, path


@every_task
def test_registry_agrees_with_class(name: str) -> None:
    task, spec = make_task(name), gymnasium.spec(task_id(name))
    assert (task.name, task.version) == (name, TASKS[name].version)
    assert task.horizon == TASKS[name].horizon == spec.max_episode_steps
    assert task.id == spec.id
    assert gymnasium.make(EnvSpec.from_json(spec.to_json())).spec.id == task.id
    json.dumps(spec.kwargs)


@every_task
def test_environment_checkers_pass(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(name), skip_render_check=True)
        sb3_check_env(make(name))


@every_task
def test_seed_determines_episode_after_any_history(name: str) -> None:
    fresh, used = make(name), make(name)
    for seed in (3, 4):
        used.reset(seed=seed)
        roll(used, random_actions(name, 10, seed=seed))
    actions = random_actions(name, 20)
    assert_same(fresh.reset(seed=7), used.reset(seed=7))
    assert_same(roll(fresh, actions), roll(used, actions))
    assert_same(fresh.reset(), used.reset())
    by_option = used.reset(seed=1, options={"episode_seed": 7})
    assert_same(by_option, fresh.reset(seed=7))
    assert not np.array_equal(by_option[0], fresh.reset(seed=8)[0])


@every_task
def test_values_have_their_types_and_bounds(name: str) -> None:
    env = make(name)
    observation, info = env.reset(seed=0)
    types = {key: type(value) for key, value in info.items()}
    for observation, reward, terminated, truncated, info in roll(env, random_actions(name, 30)):
        assert observation.dtype == np.float32
        assert env.observation_space.contains(observation)
        assert (type(reward), type(terminated), truncated) == (float, bool, False)
        assert {key: type(value) for key, value in info.items()} == types
        assert 0.0 <= info["progress"] <= 1.0
        assert reward == pytest.approx(sum(v for k, v in info.items() if k.startswith("reward/")))
        assert -1 <= info["mode"] < max(1, len(make_task(name).modes))
    assert np.isfinite(env.observation_space.high).all()
    assert env.task_description == make_task(name).description


def trajectories(name: str, num_sims: int, num_threads: int) -> list[list[np.ndarray]]:
    """Step 7 episodes in a world of any size, in shuffled, ragged groups of rows."""
    world, rng = World(make_task(name), num_sims, num_threads), np.random.default_rng(num_sims)
    actions, seen = random_actions(name, 7, STEPS), [[] for _ in range(7)]
    for first in range(0, 7, num_sims):
        episodes = {row: first + row for row in range(num_sims) if first + row < 7}
        rows = rng.permutation(list(episodes))
        world.reset(rows, np.array([100 + episodes[row] for row in rows]))
        steps = dict.fromkeys(episodes, 0)
        while steps:
            size = rng.integers(1, len(steps) + 1)
            rows = rng.permutation(list(steps))[:size]
            chosen = np.stack([actions[episodes[row], steps[row]] for row in rows])
            outcome, observations = world.step(rows, chosen), world.observe(rows)
            for i, row in enumerate(rows.tolist()):
                flags = (outcome.success[i], outcome.terminated[i], outcome.mode[i])
                numbers = (outcome.reward[i], outcome.progress[i], *flags)
                seen[episodes[row]].append(np.concatenate([numbers, observations[i]]))
                steps[row] += 1
                if outcome.terminated[i] or steps[row] == STEPS:
                    del steps[row]
    return seen


@every_task
def test_trajectories_do_not_depend_on_batch_or_threads(name: str) -> None:
    expected = trajectories(name, 1, 1)
    for num_sims, num_threads in ((3, 1), (7, 2)):
        assert_same(expected, trajectories(name, num_sims, num_threads))


@every_task
def test_expert_acts_as_a_policy_does(name: str) -> None:
    world = World(make_task(name), 2, 1)
    expert, rows = make_expert(world), world.all_rows
    world.reset(rows, rows)
    expert.reset(rows, rows)
    actions, nfe = expert.act(rows, world.observe(rows)[:, None])
    assert (actions.shape, actions.dtype) == ((2, 1, world.task.act_dim), np.float32)
    assert np.abs(actions).max() <= 1.0
    assert nfe.tolist() == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if not TASKS[name].twin_of])
def test_restored_row_continues_bit_for_bit(name: str) -> None:
    actions, task = demonstration(name, SEED), make_task(name)
    source, rows = World(task, 2, 1), np.array([1])
    source.reset(rows, np.array([SEED]))
    snapshots, expected = [], []
    for action in actions:
        snapshots.append(source.save(1))
        seen = source.observe(rows), source.view(rows).qpos
        expected.append((*seen, vars(source.step(rows, action[None]))))
    half = len(actions) // 2
    for num_sims, row, begin, end in ((5, 3, half // 2, half), (1, 0, half, len(actions))):
        other, here = World(task, num_sims, 2), np.array([row])
        other.reset(other.all_rows, np.arange(num_sims))
        other.restore(row, snapshots[begin])
        for action, result in zip(actions[begin:end], expected[begin:end], strict=True):
            seen = other.observe(here), other.view(here).qpos
            assert_same((*seen, vars(other.step(here, action[None]))), result)
    assert expected[-1][2]["terminated"][0]


@pytest.mark.slow
@every_task
def test_copies_continue_episode(name: str) -> None:
    env, actions = make(name), demonstration(TASKS[name].twin_of or name, SEED)[:50]
    pickle.loads(pickle.dumps(env)).reset(seed=0)  # also before the first episode
    env.reset(seed=SEED)
    env.action_space.seed(3)
    roll(env, actions[:9])
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    expected = roll(env, actions[9:]), env.reset(), env.action_space.sample()
    for twin in copies:
        assert_same(expected, (roll(twin, actions[9:]), twin.reset(), twin.action_space.sample()))


def _spawned(env: gymnasium.Env, actions: np.ndarray, queue: Any) -> None:
    queue.put(roll(env, actions))


def test_spawned_process_continues_episode() -> None:
    env, actions = make("LiftCube"), random_actions("LiftCube", 8)
    env.reset(seed=2)
    roll(env, actions[:3])
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_spawned, args=(env, actions[3:], queue))
    process.start()
    seen = queue.get(timeout=60)
    process.join()
    assert_same(roll(env, actions[3:]), seen)


@pytest.mark.parametrize(("name", "env_id"), VECTOR_IDS)
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP])
def test_vector_env_equals_sync_vector_env(name: str, env_id: str, mode: AutoresetMode) -> None:
    check_vector_env(name, env_id, mode)


@pytest.mark.parametrize(
    ("name", "env_id"),
    [
        pytest.param(name, task_id(name), marks=() if name in ANY_MODE else pytest.mark.thorough)
        for name in NAMES
    ],
)
@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_it_does_in_every_mode_of_reset(name: str, env_id: str, mode: AutoresetMode) -> None:
    check_vector_env(name, env_id, mode)


def check_vector_env(name: str, env_id: str, mode: AutoresetMode) -> None:
    """Check that ours does what Gymnasium's environments one after another do."""
    kwargs: dict[str, Any] = {"num_envs": 3, "max_episode_steps": 6}
    ours = gymnasium.make_vec(env_id, autoreset_mode=mode, **kwargs)
    sync = gymnasium.make_vec(
        env_id, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **kwargs
    )
    assert isinstance(ours, HandVectorEnv), "not a single batch"
    assert ours.metadata["autoreset_mode"] is mode
    assert ours.single_observation_space == sync.single_observation_space
    assert ours.action_space == sync.action_space
    assert_same(ours.reset(seed=5), sync.reset(seed=5))
    assert ours.np_random_seed == sync.np_random_seed == (5, 6, 7)
    for i, actions in enumerate(random_actions(name, 14, 3)):  # two episodes and a half
        if i == 3:  # desynchronise the rows
            mask = np.array([False, True, False])
            assert_same(
                ours.reset(seed=[1, 2, None], options={"reset_mask": mask}),
                sync.reset(seed=[1, 2, None], options={"reset_mask": mask}),
            )
        results = ours.step(actions), sync.step(actions)
        assert_same(*results)
        mask = results[0][2] | results[0][3]
        if mode is AutoresetMode.DISABLED and mask.any():
            with pytest.raises(ResetNeeded):
                ours.step(actions)
            assert_same(
                ours.reset(options={"reset_mask": mask}), sync.reset(options={"reset_mask": mask})
            )
    ours.close()
    with pytest.raises(ClosedEnvironmentError):
        ours.reset()


@every_task
def test_masked_reset_equals_single_reset(name: str) -> None:
    envs, env = gymnasium.make_vec(task_id(name), num_envs=3), make(name)
    envs.reset(seed=0)
    envs.step(random_actions(name, 3))
    mask = np.array([False, False, True])
    observations, infos = envs.reset(seed=[0, 0, 41], options={"reset_mask": mask})
    observation, info = env.reset(seed=41)
    assert_same(observations[2], observation)
    assert {key: infos[key][2].item() for key in info} == info
    assert infos["_success"].tolist() == mask.tolist()
    for actions in random_actions(name, 15, 3):
        together, alone = envs.step(actions), env.step(actions[2])
        assert_same(together[0][2], alone[0])
        if alone[2]:
            break


@every_task
def test_bad_input_is_rejected(name: str) -> None:
    env, actions = make(name), random_actions(name, 1)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(actions[0])
    with pytest.raises(ValueError, match="'episode_seed'"):
        env.reset(options={"episode": 3})
    for bad in (-1, 2**63, 1.5, True, "3"):
        with pytest.raises(ValueError, match="whole number"):
            env.reset(options={"episode_seed": bad})
    for bad in (-1, 1.5, "3"):
        with pytest.raises(Error):
            env.reset(seed=bad)
    with pytest.raises(ValueError, match="whole number"):
        env.reset(seed=2**63)
    env.reset(seed=2**63 - 1, options={})
    for shape in ((), (1, make_task(name).act_dim), (make_task(name).act_dim - 1,)):
        with pytest.raises(ValueError, match="shape"):
            env.step(np.zeros(shape))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinity"):
            env.step(np.full_like(actions[0], value))
    env.step(actions[0] * 100)
    env.close()
    env.close()
    for call in (env.reset, env.render, lambda: env.step(actions[0])):
        with pytest.raises(ClosedEnvironmentError):
            call()


def test_vector_env_rejects_bad_input() -> None:
    envs = gymnasium.make_vec("fmbench/LiftCube-v0", num_envs=3)
    actions = random_actions("LiftCube", 3)
    with pytest.raises(ResetNeeded):
        envs.step(actions)
    for seed in (-1, "abc", 1.5, [0, 1, -2]):
        with pytest.raises(Error):
            envs.reset(seed=seed)
    with pytest.raises(ValueError, match="2 seeds"):
        envs.reset(seed=[1, 2])
    for mask in ([True] * 3, np.ones(2, bool), np.ones(3), np.zeros(3, bool)):
        with pytest.raises(ValueError, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    with pytest.raises(ValueError, match="'reset_mask'"):
        envs.reset(options={"mask": np.ones(3, bool)})
    envs.reset(seed=0)
    for wrong in (actions[:2], actions[:, 1:], actions[0], np.full_like(actions, np.nan)):
        with pytest.raises(ValueError, match="Actions"):
            envs.step(wrong)
    with pytest.raises(ValueError, match="did you mean LiftCube"):
        gymnasium.make_vec("fmbench/LiftCube-v0", task="LiftCub")
    with pytest.raises(ValueError, match="horizon"):
        gymnasium.make_vec("fmbench/LiftCube-v0", max_episode_steps=0)
