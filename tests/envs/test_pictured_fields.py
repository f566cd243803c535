"""What remains of an observation beside pictures says nothing of objects and goals."""

import numpy as np
import pytest

from envs.goals import GoalTask
from envs.registry import TASKS, has_extra, make_task
from envs.task import Task
from envs.world import STATE_STAGE, World

NAMES = tuple(name for name in sorted(TASKS) if has_extra(name))
ROWS = 12
every_task = pytest.mark.parametrize("name", NAMES)

HAND = ("joint_position", "joint_velocity")
NOT_SHOWN = {"PressEither": {"countdown"}, "PressChord": {"current", "held"}}
"""Fields, and variables of the same names, that are not the hand's and that no picture shows."""
OF_THE_HAND = {
    "ReachPose": {"tip_position"},
    "AdroitDoor": {"palm_position", "arm_slide"},
    "AdroitDoorPublished": {"palm_position"},
    "AdroitHammer": {"palm_position"},
    "AdroitHammerPublished": {"palm_position"},
    "AdroitHammerWide": {"palm_position"},
}
"""Fields of the hand besides the positions and velocities of its joints."""
AT_FIXED_PLACES = {
    "AvoidPost": {"post_offset"},
    "PressChord": {"tip_offset"},
    "TurnDial": {"tip_offset"},
    "TurnEither": {"tip_offset"},
}
"""Offsets of the hand from objects whose places are the same in every episode."""


def hand_joints(task: Task) -> np.ndarray:
    """Return the joints that move the palm or a fingertip, coupled ones included."""
    model, joints = task.model, set()
    for site in (task.hand.palm, *task.hand.tips.tolist(), *(h.palm for h in task.hand.sides)):
        body = int(model.site_bodyid[site])
        while body:
            first = int(model.body_jntadr[body])
            joints |= set(range(first, first + int(model.body_jntnum[body])))
            body = int(model.body_parentid[body])
    return np.array(sorted(joints))


def addresses(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Return which entries of qpos and of qvel are the hand's."""
    model, joints = task.model, hand_joints(task)
    assert (model.jnt_type[joints] >= 2).all()  # slides and hinges: one entry each
    of_qpos, of_qvel = np.zeros(model.nq, dtype=bool), np.zeros(model.nv, dtype=bool)
    of_qpos[model.jnt_qposadr[joints]] = of_qvel[model.jnt_dofadr[joints]] = True
    assert of_qpos[task.hand.qpos].all()
    return of_qpos, of_qvel


def settle(world: World) -> None:
    """Compute what follows from positions, velocities and variables."""
    rows = world.all_rows
    world._show_goals(rows)
    world.batch.forward(ids=rows, stage=STATE_STAGE)
    world._look_back(rows)


def other_scenes_same_hand(name: str) -> World:
    """Return a world whose rows differ in everything but the hand and what no picture shows."""
    world, rng = World(make_task(name), ROWS, 1), np.random.default_rng(0)
    world.reset(world.all_rows, np.arange(ROWS))
    qpos, qvel = world.batch.bind("qpos"), world.batch.bind("qvel")
    of_qpos, of_qvel = addresses(world.task)
    qpos[:] = np.where(of_qpos, qpos[0] + 0.1, rng.uniform(-2.0, 2.0, qpos.shape))
    qvel[:] = rng.uniform(-2.0, 2.0, qvel.shape)
    qvel[:, of_qvel] = qvel[0, of_qvel]
    for variable, values in world.memory.items():
        values += rng.uniform(0.0, 0.02, values.shape)
        if variable in NOT_SHOWN.get(without_hand(name), ()):
            values[:] = values[0]
    world.step_count[:] = np.arange(ROWS)
    settle(world)
    return world


def without_hand(name: str) -> str:
    """Return the name of a task without that of the described hand that it is on."""
    return name.removesuffix(TASKS[name].hand.capitalize())


def check_agent_is_equal(world: World) -> None:
    """Check that the values beside pictures are the same bytes in all rows, and not zero."""
    values = world.observe(world.all_rows)[:, world.task.agent_columns]
    assert values.shape == (ROWS, world.task.agent_dim)
    assert {row.tobytes() for row in values} == {values[0].tobytes()}
    assert values[0].any()


@every_task
def test_nothing_of_objects_and_goals_remains_beside_pictures(name: str) -> None:
    world = other_scenes_same_hand(name)
    check_agent_is_equal(world)
    seen = world.task.observe(world.view(world.all_rows))
    pictured = {part.name for part in world.task.fields() if part.pictured}
    still = {name for name in pictured if not np.ptp(seen[name], axis=0).any()}
    assert pictured
    assert still == AT_FIXED_PLACES.get(without_hand(name), set())


@every_task
def test_fields_of_the_hand_and_what_no_picture_shows_remain(name: str) -> None:
    names = [part.name for part in make_task(name).fields() if not part.pictured]
    joints = {"joint_position"} if name.endswith("Published") else set(HAND)
    expected = (
        joints
        | OF_THE_HAND.get(without_hand(name), set())
        | NOT_SHOWN.get(without_hand(name), set())
    )
    assert sorted(names) == sorted(expected)


@pytest.mark.parametrize("name", [name for name in NAMES if TASKS[name].has_goal])
def test_other_goals_leave_what_remains_beside_pictures(name: str) -> None:
    task, world = make_task(name), World(make_task(name), ROWS, 1)
    assert isinstance(task, GoalTask)
    world.reset(world.all_rows, np.arange(ROWS))
    qpos = world.batch.bind("qpos")
    qpos[:] = qpos[0] + 0.1
    settle(world)
    goals = task.desired_goal(world.view(world.all_rows))
    assert len(np.unique(goals, axis=0)) == ROWS
    check_agent_is_equal(world)
