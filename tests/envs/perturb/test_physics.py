"""Disturbed physics against closed answers, and against models compiled so."""

import copy

import mujoco
import numpy as np
import pytest

from envs.perturb.axis import About
from envs.perturb.catalogue import AXES, level_text
from envs.perturb.world import PerturbedWorld
from envs.task import FloatArray, Task
from envs.world import World
from tests.envs.perturb.block import (
    FRICTION,
    GRAVITY,
    HALF_SIZE_M,
    MASS_KG,
    STIFFNESS_N_PER_M,
    TIMESTEP_S,
    WEIGHT_KG,
    Block,
)

FACTORS = AXES["mass"].levels
N = 3


def begin(task: Task, perturb: str, num_sims: int = N) -> PerturbedWorld:
    world = PerturbedWorld(task, num_sims, perturb, About(), 1)
    world.reset(world.all_rows, np.arange(num_sims))
    return world


def advance(world: World, steps: int) -> None:
    for _ in range(steps):
        world.step(world.all_rows, np.zeros((world.num_sims, 1)))


def support(world: World, row: int) -> float:
    """Return the sum of the normal forces on the box of a row that rests [N]."""
    model, data = world.batch.get_model(row), mujoco.MjData(world.task.model)
    data.qpos, data.qvel = world.batch.bind("qpos")[row], world.batch.bind("qvel")[row]
    data.ctrl = world.batch.bind("ctrl")[row]
    mujoco.mj_forward(model, data)
    force, total = np.zeros(6), 0.0
    for contact in range(data.ncon):
        mujoco.mj_contactForce(model, data, contact, force)
        total += force[0]
    return total


@pytest.mark.parametrize("factor", FACTORS)
def test_a_box_weighs_on_its_support_f_times_as_much_and_is_pushed_as_such(factor: float) -> None:
    # Support: m g f. Push by F without weight: v = F t / (f m).
    world = begin(Block(), level_text("mass", factor))
    advance(world, 100)
    for row in range(N):
        assert support(world, row) == pytest.approx(factor * MASS_KG * GRAVITY, rel=1e-3)
    flying = begin(Block(height=50.0), level_text("mass", factor))
    flying.batch.bind("xfrc_applied")[:, 1, 0] = 3.0
    advance(flying, 10)
    seen = flying.batch.bind("qvel")[:, 0]
    expected = 3.0 / (factor * MASS_KG) * 50 * TIMESTEP_S
    np.testing.assert_allclose(seen, expected, rtol=1e-9)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_box_slides_as_far_as_its_friction_lets_it(factor: float) -> None:
    # Distance: v^2 / (2 f mu g).
    world, speed = begin(Block(), level_text("friction", factor)), 0.6
    advance(world, 20)
    before = world.batch.bind("qpos")[:, 0].copy()
    world.batch.bind("qvel")[:, 0] = speed
    advance(world, 120)
    far = world.batch.bind("qpos")[:, 0] - before
    np.testing.assert_allclose(far, speed**2 / (2.0 * factor * FRICTION * GRAVITY), rtol=0.02)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_servo_gives_way_to_a_weight_by_its_stiffness_alone(factor: float) -> None:
    # Deflection from the target: m g / (f kp), wherever the target is.
    world, target = begin(Block(), level_text("kp", factor)), 0.25
    for _ in range(800):
        world.step(world.all_rows, np.full((N, 1), target))
    task = world.task
    assert isinstance(task, Block)
    lift = world.batch.bind("qpos")[:, task.lift]
    expected = target - WEIGHT_KG * GRAVITY / (factor * STIFFNESS_N_PER_M)
    np.testing.assert_allclose(lift, expected, atol=1e-6)


def compiled_motion(task: Task, steps: int) -> FloatArray:
    """Return the states of an ordinary world of a task, (steps, N, nq + nv)."""
    world = World(task, N, 1)
    world.reset(world.all_rows, np.arange(N))
    return motion(world, steps)


def motion(world: World, steps: int) -> FloatArray:
    states = []
    for _ in range(steps):
        advance(world, 1)
        states.append(np.hstack([world.batch.bind("qpos"), world.batch.bind("qvel")]))
    return np.stack(states)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_box_tumbles_as_one_that_is_compiled_so(factor: float) -> None:
    # It falls onto a corner: contacts, and so bounding volumes and moments of inertia, count.
    falling = {"tilt": 0.4, "height": 4.0 * HALF_SIZE_M[2]}
    for axis, task in (
        ("size", Block(factor=factor, **falling)),
        ("mass", Block(mass=factor * MASS_KG, **falling)),
    ):
        world = begin(Block(**falling), level_text(axis, factor))
        seen, expected = motion(world, 60), compiled_motion(task, 60)
        assert np.abs(expected[:, :, 12:14]).max() > 2.0  # a contact turns it
        np.testing.assert_allclose(seen, expected, rtol=1e-7, atol=1e-7, err_msg=axis)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("axis", ["mass", "size"])
def test_every_constant_is_that_of_a_model_compiled_so(axis: str, factor: float) -> None:
    changed = Block(factor=factor) if axis == "size" else Block(mass=factor * MASS_KG)
    seen = begin(Block(), level_text(axis, factor)).batch.get_model(1)
    names = ("body_mass", "body_inertia", "body_subtreemass", "body_invweight0", "dof_M0")
    for name in (*names, "geom_size", "geom_rbound", "geom_aabb", "bvh_aabb"):
        expected = getattr(changed.model, name)
        np.testing.assert_allclose(getattr(seen, name), expected, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("axis", ["mass", "friction", "kp", "size"])
def test_only_the_fields_of_an_axis_and_what_follows_from_them_change(axis: str) -> None:
    task = Block()
    world = begin(task, level_text(axis, 2.0))
    expected = copy.copy(task.model)
    for name in world.axis.model_fields:
        getattr(expected, name)[:] = world.model_fields[name][0]
        if name not in ("geom_pos", "pair_friction"):  # at the centre; none
            assert not np.array_equal(world.model_fields[name][0], getattr(task.model, name))
    mujoco.mj_setConst(expected, mujoco.MjData(expected))
    seen = world.batch.get_model(0)
    for name in (name for name in dir(expected) if not name.startswith("_")):
        value = getattr(expected, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(seen, name), value, err_msg=name)
