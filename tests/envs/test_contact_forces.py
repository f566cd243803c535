"""Contact forces of hands: exact against MuJoCo's own, and of a known weight."""

from typing import ClassVar

import mujoco
import numpy as np
import pytest

from envs.contact_forces import CONTACTS, ContactForces, hand_bodies, sensing
from envs.experts.command_noise import CommandNoise
from envs.hand.hand import PALM_HALF_SIZE_M
from envs.hand.scene import add_hand
from envs.perturb.axis import About
from envs.perturb.world import PerturbedWorld
from envs.registry import has_extra, make_expert, make_task
from envs.scene import add_camera, make_scene
from envs.task import Start, Task
from envs.tasks.reach_pose import ReachPose
from envs.world import World

RADIUS_M, MASS_KG, PALM_Z_M = 0.02, 0.1, 0.16
STATE = int(mujoco.mjtState.mjSTATE_INTEGRATION)
SEED = 3


class BallOnPalm(ReachPose):
    """A ball at rest on the palm of a hand that faces up."""

    name = "BallOnPalm"
    fields, observe, score = Task.hand_fields, Task.observe_hand, ReachPose.score
    memory_sizes: ClassVar[dict[str, int]] = {"goal": 15}

    def build_scene(self) -> mujoco.MjSpec:
        """Return the ball in the hand."""
        spec = make_scene("ball_on_palm")
        add_hand(spec, "palm", (0.0, 0.0, PALM_Z_M), (0.0, 1.0, 0.0, 0.0))
        ball = spec.worldbody.add_body(name="ball")
        ball.add_freejoint(name="ball")
        ball.add_geom(size=[RADIUS_M, 0, 0], mass=MASS_KG, contype=2, conaffinity=3)
        add_camera(spec, (0.0, 0.0, 0.1), 0.4)
        return spec

    def index_scene(self) -> None:
        """Look up nothing."""

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Put the ball on the middle of the palm."""
        qpos = self.model.qpos0.copy()
        address = int(self.model.joint("ball").qposadr[0])
        data = self.scratch
        data.qpos = qpos
        mujoco.mj_kinematics(self.model, data)
        palm = data.geom("palm").xpos
        qpos[address : address + 3] = palm + np.array([0, 0, PALM_HALF_SIZE_M[2] + RADIUS_M])
        return Start(qpos, {"goal": np.zeros(15)})

    def mocap(self, memory: dict[str, np.ndarray]) -> None:
        """Move nothing."""


def test_a_resting_ball_presses_with_its_weight() -> None:
    world = World(sensing(BallOnPalm()), 1, 1)
    rows, forces = world.all_rows, ContactForces(world)
    world.reset(rows, np.array([SEED]))
    rest = world.task.action(world.task.resting_command(world.view(rows)))
    for _ in range(40):
        world.step(rows, rest)
    assert forces.largest(rows) == pytest.approx(9.81 * MASS_KG, rel=1e-4)


@pytest.mark.parametrize("name", ["LiftCube", "OpenDoor", "AdroitHammer"])
def test_forces_are_those_of_the_contacts_of_the_last_substep(name: str) -> None:
    if not has_extra(name):
        pytest.skip("needs the extra")
    task = sensing(make_task(name))
    world, model, seeds = World(task, 1, 1), task.model, np.array([SEED])
    rows, expert, noise = world.all_rows, make_expert(world), CommandNoise(world, 2.0)
    data, forces = mujoco.MjData(model), ContactForces(world)
    of_hand = np.isin(model.body_rootid[model.geom_bodyid], hand_bodies(task))
    for each in (world, expert, noise):
        each.reset(rows, seeds)
    found, expected = [], []
    for step in range(50):
        action = noise.disturb(
            rows, np.array([step]), expert.act(rows, world.observe(rows))[0][:, 0]
        )
        own = world.batch.get_model(0)
        mujoco.mj_setState(own, data, world.batch.state[0], STATE)
        data.ctrl[:] = task.command(action)[0]
        outcome = world.step(rows, action)
        for _ in range(task.substeps):
            mujoco.mj_step(own, data)
        found.append(float(forces.largest(rows)[0]))
        expected.append(_largest(own, data, of_hand))
        if (outcome.terminated | outcome.truncated)[0]:
            break
    assert found == expected
    assert max(found) > 1.0


def _largest(model: mujoco.MjModel, data: mujoco.MjData, of_hand: np.ndarray) -> float:
    """Return the largest normal force of the contacts of some geoms."""
    force, largest = np.zeros(6), 0.0
    for k in np.flatnonzero(of_hand[data.contact.geom].any(axis=1)).tolist():
        mujoco.mj_contactForce(model, data, k, force)
        largest = max(largest, float(force[0]))
    return largest


def test_the_task_itself_is_left_as_it_is() -> None:
    task = make_task("HandOver")
    before = task.model.nsensor, len(task.spec.sensors)
    sensed = sensing(task)
    assert sensing(task) is sensed
    assert (task.model.nsensor, len(task.spec.sensors)) == before
    assert (type(sensed), sensed.id, sensed.obs_dim) == (type(task), task.id, task.obs_dim)
    assert sensed.model.nsensordata == task.model.nsensordata + 2 * 3 * CONTACTS
    assert sensed.scratch is not task.scratch
    assert not ContactForces(World(task, 1, 1)).is_there


@pytest.mark.parametrize("perturb", ["mass=2", "kp=0.5", "size=1.33"])
def test_disturbed_episodes_are_the_same_with_sensors(perturb: str) -> None:
    """The models of disturbed simulations differ from row to row."""
    task = make_task("LiftCube")
    worlds = [PerturbedWorld(each, 2, perturb, About(), 1) for each in (task, sensing(task))]
    experts = [make_expert(world) for world in worlds]
    rows, states = worlds[0].all_rows, []
    for world, expert in zip(worlds, experts, strict=True):
        world.reset(rows, np.array([1, 2]))
        expert.reset(rows, np.array([1, 2]))
        for _ in range(30):
            world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        states.append(world.batch.state.tobytes())
    assert states[0] == states[1]
    assert (ContactForces(worlds[1]).largest(rows) > 0.5).all()
