"""Axes on every registered task, and exact answers of those that are no physics."""

import numpy as np
import pytest

from envs.episode_streams import episode_generator
from envs.experts.command_noise import CommandNoise
from envs.perturb.axis import About
from envs.perturb.catalogue import AXES, level_text, split_text
from envs.perturb.motions import Push
from envs.perturb.objects import free_objects, object_bodies
from envs.perturb.world import PerturbedWorld, lack_of
from envs.registry import TASKS, has_extra, make_task
from envs.world import World
from tests.envs.hand.described import can_make
from tests.envs.perturb.block import Block

TASK_NAMES = tuple(name for name in TASKS if has_extra(name) and can_make(name))
LARGEST = {axis: level_text(axis, entry.levels[-1]) for axis, entry in AXES.items()}
STEPS = 40


def about(obs_dim: int) -> About:
    return About(np.linspace(0.5, 2.0, obs_dim), np.arange(float(obs_dim)), lambda: STEPS)


def begin(perturb: str, num_sims: int = 3, name: str = "LiftCube", threads: int = 1) -> World:
    task = Block() if name == "Block" else make_task(name)
    world = PerturbedWorld(task, num_sims, perturb, about(task.obs_dim), threads)
    world.reset(world.all_rows, np.arange(num_sims))
    return world


@pytest.mark.parametrize("name", TASK_NAMES)
def test_every_axis_that_a_task_has_makes_a_step(name: str) -> None:
    task = make_task(name)
    for perturb in LARGEST.values():
        if lack_of(task, perturb):
            with pytest.raises(ValueError, match=f"{name} cannot be disturbed by {perturb}: "):
                PerturbedWorld(task, 1, perturb, About())
            continue
        world = begin(perturb, 2, name)
        assert np.isfinite(world.observe(world.all_rows)).all()
        rest = task.action(world.batch.bind("ctrl"))
        assert not world.step(world.all_rows, rest).unstable.any()
        assert np.isfinite(world.observe(world.all_rows)).all()


def test_tasks_lack_what_their_scenes_lack() -> None:
    lacks = {
        name: [axis for axis, text in LARGEST.items() if lack_of(make_task(name), text)]
        for name in ("LiftCube", "ReachPose", "TurnDial", "StackCubes")
    }
    assert lacks == {
        "LiftCube": [],
        "ReachPose": ["mass", "size", "push", "start"],
        "TurnDial": ["size", "push"],
        "StackCubes": ["size"],
    }
    # True of LiftCube on another hand, too, whose success does not depend on the size.
    reason = "only LiftCube and AvoidPost have it among the built-in tasks"
    assert lack_of(make_task("StackCubes"), "size=2") == reason
    model = make_task("StackCubes").model
    names = [model.body(int(body)).name for body in object_bodies(make_task("StackCubes"))]
    assert names == ["cube", "base"]
    assert len(free_objects(make_task("StackCubes"))) == 2


def states(perturb: str, seeds: list[int], num_sims: int, threads: int) -> dict[int, bytes]:
    """Return the final state and observations of ten steps of each episode."""
    world = begin(perturb, num_sims, threads=threads)
    found = {}
    for together in (seeds[k : k + num_sims] for k in range(0, len(seeds), num_sims)):
        rows = world.all_rows[: len(together)]
        world.reset(rows, np.array(together))
        seen = [world.observe(rows)]
        for step in range(10):
            world.step(rows, np.full((len(rows), world.task.act_dim), 0.1 * np.sin(step)))
            seen.append(world.observe(rows))
        for row, seed in zip(rows.tolist(), together, strict=True):
            parts = [world.batch.state[row], *(observed[row] for observed in seen)]
            found[seed] = b"".join(part.tobytes() for part in parts)
    return found


@pytest.mark.parametrize("perturb", LARGEST.values(), ids=str)
def test_an_episode_is_a_function_of_its_seed_alone(perturb: str) -> None:
    alone = states(perturb, [5, 2, 9], 1, 1)
    assert states(perturb, [9, 5, 2], 3, 2) == alone
    assert states("mass=2", [5], 1, 1) != states("mass=0.5", [5], 1, 1)


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis not in ("start", "size")])
def test_an_episode_starts_as_without_the_disturbance(axis: str) -> None:
    plain, world = World(make_task("LiftCube"), 3, 1), begin(LARGEST[axis])
    plain.reset(plain.all_rows, np.arange(3))
    np.testing.assert_array_equal(world.batch.bind("qpos"), plain.batch.bind("qpos"))
    np.testing.assert_array_equal(world.memory["goal"], plain.memory["goal"])


def test_noise_on_observations_has_the_stated_spread_and_is_new_at_every_step() -> None:
    world, plain = begin("obs-noise=0.1", 200, "Block"), World(Block(), 200, 1)
    plain.reset(plain.all_rows, np.arange(200))
    rows, noise = world.all_rows, []
    for _ in range(15):
        seen = world.observe(rows)
        np.testing.assert_array_equal(world.observe(rows), seen)
        noise.append(seen - plain.observe(rows))
        for each in (world, plain):
            each.step(rows, np.zeros((200, 1)))
    drawn = np.stack(noise) / (0.1 * np.linspace(0.5, 2.0, world.task.obs_dim))
    assert np.abs(drawn.std(axis=(0, 1)) - 1.0).max() < 0.08  # of 3,000 numbers
    assert np.abs((drawn[1:] * drawn[:-1]).mean(axis=(0, 1))).max() < 0.08


@pytest.mark.parametrize("age", [1, 2, 4])
def test_stale_observations_are_exactly_that_old(age: int) -> None:
    world, plain = begin(f"obs-stale={age}"), World(make_task("LiftCube"), 3, 1)
    plain.reset(plain.all_rows, np.arange(3))
    true = []
    for step in range(8):
        true.append(plain.observe(plain.all_rows))
        np.testing.assert_array_equal(world.observe(world.all_rows), true[max(0, step - age)])
        for each in (world, plain):
            each.step(each.all_rows, np.zeros((3, 20)))


def test_a_lost_observation_repeats_the_last_one_that_came() -> None:
    world, plain = begin("obs-drop=0.3", 150, "Block"), World(Block(height=50.0), 150, 1)
    world.task.height = 50.0  # type: ignore[attr-defined]
    for each in (world, plain):  # it falls, so that no two observations are equal
        each.reset(each.all_rows, np.arange(150))
    rows, lost, last = world.all_rows, 0, None
    for _ in range(20):
        seen, true = world.observe(rows), plain.observe(rows)
        comes = (seen == true).all(axis=1)
        if last is None:
            assert comes.all()
        else:
            np.testing.assert_array_equal(seen[~comes], last[~comes])
            lost += int((~comes).sum())
        last = seen
        for each in (world, plain):
            each.step(rows, np.zeros((150, 1)))
    assert abs(lost / (19 * 150) - 0.3) < 0.04


def test_hidden_velocities_are_the_mean_and_nothing_else_changes() -> None:
    world, plain = begin("hidden=on"), World(make_task("LiftCube"), 3, 1)
    plain.reset(plain.all_rows, np.arange(3))
    for each in (world, plain):
        each.step(each.all_rows, np.full((3, 20), 0.3))
    seen, true = world.observe(world.all_rows), plain.observe(plain.all_rows)
    np.testing.assert_array_equal(seen[:, 20:40], np.tile(np.arange(20.0, 40.0), (3, 1)))
    assert (true[:, 20:40] != 0).any()
    np.testing.assert_array_equal(
        np.delete(seen, np.s_[20:40], 1), np.delete(true, np.s_[20:40], 1)
    )


def test_command_noise_is_that_of_demonstrations_times_the_level() -> None:
    world, plain = begin("act-noise=4"), World(make_task("LiftCube"), 3, 1)
    noise = CommandNoise(plain, 4.0)
    plain.reset(plain.all_rows, np.arange(3))
    noise.reset(plain.all_rows, np.arange(3))
    rows, action = plain.all_rows, np.full((3, 20), 0.4, np.float32)
    for step in range(5):
        disturbed = noise.disturb(rows, np.full(3, step), action)
        assert np.abs(disturbed - action).max() > 0.01
        plain.step(rows, disturbed)
        world.step(rows, action)
        np.testing.assert_array_equal(world.batch.state, plain.batch.state)


def test_a_push_adds_its_speed_once_in_the_middle_half_of_the_experts_time() -> None:
    world = begin("push=0.3", 40, "Block")
    assert isinstance(world, PerturbedWorld)
    assert isinstance(world.axis, Push)
    steps = world.axis.steps
    assert steps.min() >= STEPS // 4
    assert steps.max() < 3 * STEPS // 4
    assert len(set(steps.tolist())) > 10
    rows, speed = world.all_rows, np.zeros((40, STEPS))
    for step in range(STEPS):
        world.batch.bind("qpos")[:, 2] = 5.0  # in the air
        before = world.batch.bind("qvel")[:, :2].copy()
        world.step(rows, np.zeros((40, 1)))
        speed[:, step] = np.linalg.norm(world.batch.bind("qvel")[:, :2] - before, axis=1)
    np.testing.assert_allclose(speed.max(axis=1), 0.3, rtol=1e-9)
    np.testing.assert_array_equal(speed.argmax(axis=1), steps)
    assert (np.sort(speed, axis=1)[:, :-1] < 1e-9).all()
    angles = np.arctan2(*world.axis.kicks[:, :2].T)
    assert len(set(np.floor(angles / (np.pi / 2)).tolist())) == 4  # every quadrant


def test_a_wide_start_moves_each_number_away_from_the_centre_of_its_range() -> None:
    task, factor = make_task("LiftCube"), 1.5
    world, plain = begin("start=1.5", 50), World(task, 50, 1)
    plain.reset(plain.all_rows, np.arange(50))
    centre = np.array([0.03, 0.0, 0.16])  # of the box of goals
    wide = world.memory["goal"] - centre
    np.testing.assert_allclose(wide, factor * (plain.memory["goal"] - centre), atol=1e-12)
    assert (np.abs(wide) > np.array([0.09, 0.10, 0.06])).any(axis=0).all()
    rng = episode_generator(task, 7, "start")
    assert task.draw_start(rng).memory["goal"] == pytest.approx(plain.memory["goal"][7])


def test_a_large_cube_starts_at_rest_on_the_table() -> None:
    world = begin("size=2")
    for _ in range(5):
        world.step(world.all_rows, world.task.action(world.batch.bind("ctrl")))
    task = world.task
    height = world.batch.bind("qpos")[:, task.cube_qpos + 2]  # type: ignore[attr-defined]
    np.testing.assert_allclose(height, 0.05, atol=1e-3)


def test_texts_of_levels_are_read_back_and_equal_levels_have_one() -> None:
    for axis, entry in AXES.items():
        for level in entry.levels:
            assert entry.accepts(level)
            assert split_text(level_text(axis, level)) == (axis, level)
        assert entry.neutral is None or not entry.accepts(entry.neutral)
        for level in (entry.most + 1, entry.least - 1, float("nan"), float("inf")):
            assert not entry.accepts(level)
    assert level_text("mass", 2.0) == level_text("mass", 2) == "mass=2"
    assert not AXES["obs-stale"].accepts(1.5)
