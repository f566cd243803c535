"""Physics of simulations whose models differ: constants, and motions with closed answers."""

import copy
from typing import ClassVar

import mujoco
import numpy as np
import pytest

from envs.registry import TASKS, has_extra, make_task
from envs.task import FloatArray, Task, View
from envs.tasks.relocate_ball import MASS_KG, RADIUS_M, SPIN_DAMPING_NMS, RelocateBall
from envs.world import World
from tests.envs.free_body import COMPILED_MASS_KG, COMPILED_SIZE_M, TIMESTEP_S, FreeBody
from tests.envs.hand.described import can_make

N = 12
GRAVITY = 9.81
NAMES = tuple(name for name in TASKS if has_extra(name))
DERIVED = ("body_invweight0", "dof_invweight0", "dof_M0", "geom_rbound", "geom_aabb", "bvh_aabb")
"""Fields that MuJoCo derives from others; `expanded` has them after the first `set_const`."""

FOR_PICTURES = ("cam_poscom0", "light_poscom0")
"""Constants that serve only cameras and lights that follow a body's centre of mass."""


def begin(task: Task, num_sims: int = N) -> World:
    world = World(task, num_sims, 1)
    world.reset(world.all_rows, np.arange(num_sims))
    return world


def arrays(model: mujoco.MjModel) -> dict[str, np.ndarray]:
    """Return a copy of every numeric array of a model."""
    names = [name for name in dir(model) if not name.startswith("_")]
    values = {name: getattr(model, name) for name in names}
    return {name: v.copy() for name, v in values.items() if isinstance(v, np.ndarray)}


def own_model(world: World, row: int) -> mujoco.MjModel:
    """Return the task's model with a row's fields and the constants that follow from them."""
    model = copy.copy(world.task.model)
    for name, values in world.model_fields.items():
        getattr(model, name)[:] = values[row]
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


def mass_matrix(model: mujoco.MjModel, qpos: FloatArray) -> FloatArray:
    data = mujoco.MjData(model)
    data.qpos = qpos
    mujoco.mj_forward(model, data)
    full: FloatArray = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full


def check_constants(world: World) -> None:
    """Check that every row simulates the model that its own fields describe."""
    keeps = world.task.keeps_constants
    for row in world.all_rows.tolist():
        expected, seen = arrays(own_model(world, row)), arrays(world.batch.get_model(row))
        for name in FOR_PICTURES if keeps else ():
            del expected[name]
        for name, values in expected.items():
            np.testing.assert_allclose(seen[name], values, 1e-12 if keeps else 0.0, err_msg=name)
        qpos, data = world.batch.bind("qpos")[row], world.batch.get_data(row)
        full = np.zeros((world.task.model.nv,) * 2)
        mujoco.mj_fullM(world.batch.get_model(row), data, full)
        np.testing.assert_array_equal(full, mass_matrix(own_model(world, row), qpos))


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_the_constants_of_its_own_model(name: str) -> None:
    task = make_task(name)
    world = begin(task, 4)
    if not task.model_fields:  # its simulations share one model
        assert [field for field in DERIVED if world.batch.expanded(field) is not None] == []
        return
    check_constants(world)
    world.reset(np.array([2, 0]), np.array([7, 8]))
    check_constants(world)
    world.restore(1, world.save(3))
    check_constants(world)


def test_only_a_published_task_keeps_constants_and_it_has_none_that_pictures_need() -> None:
    kept = [name for name in NAMES if can_make(name) and make_task(name).keeps_constants]
    assert kept == [name for name in ("AdroitDoor", "AdroitDoorPublished") if has_extra(name)]
    for name in kept:
        model = make_task(name).model
        follows_mass = int(mujoco.mjtCamLight.mjCAMLIGHT_TRACKCOM)
        assert follows_mass not in {*model.cam_mode.tolist(), *model.light_mode.tolist()}


@pytest.mark.parametrize("name", NAMES)
def test_deriving_constants_again_changes_neither_constants_nor_state(name: str) -> None:
    task = make_task(name)
    one, other = begin(task, 3), begin(task, 3)
    compiled = copy.copy(task.model)
    mujoco.mj_setConst(compiled, mujoco.MjData(compiled))
    before, after = arrays(task.model), arrays(compiled)
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []
    if task.keeps_constants:
        return
    rest = task.action(one.batch.bind("ctrl"))
    for _ in range(5):
        state = one.batch.state.copy()
        one.batch.set_const()
        np.testing.assert_array_equal(one.batch.state, state)
        for world in (one, other):
            world.step(world.all_rows, rest)
        np.testing.assert_array_equal(one.batch.state, other.batch.state)
        np.testing.assert_array_equal(one.observe(one.all_rows), other.observe(other.all_rows))


def test_relocated_balls_have_the_constants_of_balls_compiled_with_their_radius() -> None:
    world = begin(RelocateBall())
    task, radii = world.task, world.memory["radius"][:, 0]
    assert isinstance(task, RelocateBall)
    for row, radius in enumerate(radii.tolist()):
        spec = task.build_scene()
        spec.geom("ball").size[0] = radius
        compiled, seen = spec.compile(), world.batch.get_model(row)
        np.testing.assert_allclose(seen.body_inertia[task.ball_body], 0.4 * MASS_KG * radius**2)
        for name in ("body_inertia", *DERIVED):
            np.testing.assert_allclose(getattr(seen, name), getattr(compiled, name), rtol=1e-9)


def test_relocated_balls_answer_a_torque_by_their_own_moment_of_inertia() -> None:
    # I dw/dt = T - d w, integrated implicitly in w: w' = (w + h T / I) / (1 + h d / I)
    world = begin(RelocateBall())
    task, torque = world.task, 1e-5
    assert isinstance(task, RelocateBall)
    world.batch.bind("qpos")[:, task.ball_qpos + 2] += 1.0  # in the air, clear of the hand
    world.batch.bind("xfrc_applied")[:, task.ball_body, 4] = torque
    rest, steps, h = task.action(world.batch.bind("ctrl")), 5, float(task.model.opt.timestep)
    for _ in range(steps):
        world.step(world.all_rows, rest)
    moment, spin = 0.4 * MASS_KG * world.memory["radius"][:, 0] ** 2, np.zeros(N)
    for _ in range(steps * task.substeps):
        spin = (spin + h * torque / moment) / (1.0 + h * SPIN_DAMPING_NMS / moment)
    seen = world.batch.bind("qvel")[:, task.ball_dof + 4]
    np.testing.assert_allclose(seen, spin, rtol=1e-6)
    assert np.ptp(moment) > 2.0 * 0.4 * MASS_KG * RADIUS_M[0] ** 2


def test_bodies_of_every_mass_fall_and_are_pushed_as_they_should() -> None:
    world, steps = begin(FreeBody()), 20
    n, start = steps * world.task.substeps, world.batch.bind("qpos")[:, 2].copy()
    mass = world.memory["mass"][:, 0]
    assert (np.abs(mass / COMPILED_MASS_KG - 1.0) > 0.05).all()
    world.batch.bind("xfrc_applied")[:, 1, 0] = 3.0
    for _ in range(steps):
        world.step(world.all_rows, np.zeros((N, 0)))
    fallen = GRAVITY * TIMESTEP_S**2 * n * (n + 1) / 2.0  # semi-implicit steps, exactly
    np.testing.assert_allclose(start - world.batch.bind("qpos")[:, 2], fallen, rtol=1e-9)
    np.testing.assert_allclose(
        world.batch.bind("qvel")[:, 0], 3.0 / mass * n * TIMESTEP_S, rtol=1e-9
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_bodies_turn_under_a_torque_by_their_own_moments(axis: int) -> None:
    world, steps, torque = begin(FreeBody()), 10, 1e-3
    world.batch.bind("xfrc_applied")[:, 1, 3 + axis] = torque
    for _ in range(steps):
        world.step(world.all_rows, np.zeros((N, 0)))
    turned = torque / world.memory["moments"][:, axis] * steps * world.task.substeps * TIMESTEP_S
    np.testing.assert_allclose(world.batch.bind("qvel")[:, 3 + axis], turned, rtol=1e-6)


class Top(FreeBody):
    """A free body with two equal moments of inertia."""

    def draw_start(self, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        start = super().draw_start(rng)
        start.memory["moments"][1] = start.memory["moments"][0]
        return start


def test_a_symmetric_top_precesses_without_torque_at_its_own_rate() -> None:
    # Euler: w3 is constant, and (w1, w2) turns at (I3 - I1) / I1 w3 in the body's frame.
    world, steps, spin, tilt = begin(Top()), 100, 4.0, 0.1
    velocity = world.batch.bind("qvel")
    velocity[:, 3:] = tilt, 0.0, spin
    for _ in range(steps):
        world.step(world.all_rows, np.zeros((N, 0)))
    moments = world.memory["moments"]
    rate = (moments[:, 2] - moments[:, 0]) / moments[:, 0] * spin
    angle = rate * steps * world.task.substeps * TIMESTEP_S
    assert np.abs(angle).max() > 0.5
    np.testing.assert_allclose(velocity[:, 5], spin, rtol=1e-3)
    expected = tilt * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(velocity[:, 3:5], expected, atol=0.01 * tilt)


class Rolling(Top):
    """A ball on the plane with the moment of inertia of a solid one."""

    depth_m = 0.0
    substeps = 1

    def draw_start(self, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        start = super().draw_start(rng)
        mass, radius = start.memory["mass"][0], start.memory["size"][0]
        start.memory["moments"][:] = 0.4 * mass * radius**2
        return start


def test_solid_balls_of_every_size_roll_at_five_sevenths_of_the_push() -> None:
    world, steps = begin(Rolling()), 300
    mass, radius = world.memory["mass"][:, 0], world.memory["size"][:, 0]
    world.batch.bind("xfrc_applied")[:, 1, 0] = mass  # an acceleration of 1 m/s^2; no slipping
    for _ in range(steps):
        world.step(world.all_rows, np.zeros((N, 0)))
    velocity = world.batch.bind("qvel")
    np.testing.assert_allclose(velocity[:, 4] * radius, velocity[:, 0], rtol=0.02)
    np.testing.assert_allclose(velocity[:, 0], 5.0 / 7.0 * steps * TIMESTEP_S, rtol=0.02)


class PenetratingBall(FreeBody):
    depth_m = 0.001


class PenetratingBox(PenetratingBall):
    shape = mujoco.mjtGeom.mjGEOM_BOX


class PenetratingCapsule(PenetratingBall):
    shape = mujoco.mjtGeom.mjGEOM_CAPSULE


@pytest.mark.parametrize("kind", [PenetratingBall, PenetratingBox, PenetratingCapsule])
def test_bodies_of_every_size_touch_at_their_own_surface(kind: type[FreeBody]) -> None:
    world = begin(kind())
    size = world.memory["size"]
    assert size.max() > 1.5 * COMPILED_SIZE_M > 2.0 * size.min()
    for row in world.all_rows.tolist():
        contact = world.batch.get_data(row).contact
        np.testing.assert_allclose(contact.dist.min(), -kind.depth_m, rtol=1e-9)
    for _ in range(400):
        world.step(world.all_rows, np.zeros((N, 0)))
    height = world.batch.bind("qpos")[:, 2]
    if kind is not PenetratingCapsule:  # which falls over
        np.testing.assert_allclose(height, world.task.reach(size), atol=5e-4)


class Loaded(FreeBody):
    """A free body whose mass triples at control step 5."""

    steps_to_load: ClassVar[int] = 5

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        grown = np.where(view.step_count[:, None] == self.steps_to_load, 3.0, 1.0)
        return {"mass": view.memory("mass") * grown}


def test_a_mass_that_changes_in_an_episode_counts_from_that_step_on() -> None:
    world, others = begin(Loaded(), 2), begin(Loaded(), 2)
    mass, rows, push = world.memory["mass"][:, 0].copy(), world.all_rows, 3.0
    world.batch.bind("xfrc_applied")[:, 1, 0] = push
    period, none = world.task.control_period_s, np.zeros((2, 0))
    for step in range(1, 11):
        if step in (5, 6):  # before and after the mass has changed
            others.restore(1, world.save(1))
        world.step(rows, none)
        if step >= 5:
            others.step(np.array([1]), none[:1])
            np.testing.assert_array_equal(others.batch.state[1], world.batch.state[1])
    check_constants(world)
    expected = push / mass * period * (5.0 + 5.0 / 3.0)
    np.testing.assert_allclose(world.batch.bind("qvel")[:, 0], expected, rtol=1e-9)
