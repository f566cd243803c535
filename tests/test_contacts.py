"""Two ways to find a hand's deepest contact agree, and neither changes an episode."""

import numpy as np
import pytest

from envs.registry import has_extra, make_expert, make_task
from envs.world import World
from tests.contacts import DeepestContact, DepthSensors
from tests.thorough import thoroughly

TASKS = ("TurnDial", "RotateCube", "LiftCube", "HandOver", "AdroitDoor", "AdroitHammer")


@pytest.mark.parametrize("name", thoroughly(TASKS, always=["TurnDial", "LiftCube", "AdroitDoor"]))
def test_sensors_say_what_the_contact_list_says(name: str) -> None:
    if not has_extra(name):
        pytest.skip("needs the extra")
    sensors = DepthSensors(name)
    bare, sensed = World(make_task(name), 2, 1), World(sensors.task, 2, 1)
    of_list = DeepestContact(sensors.task, of_hand=name != "RotateCube")  # whose palm is fixed
    rows, seeds = bare.all_rows, np.array([7, 8])
    experts = make_expert(bare), make_expert(sensed)
    for world, expert in zip((bare, sensed), experts, strict=True):
        world.reset(rows, seeds)
        expert.reset(rows, seeds)
    deepest = 0.0
    while len(rows):
        actions = [expert.act(rows, bare.observe(rows))[0][:, 0] for expert in experts]
        outcome, _ = bare.step(rows, actions[0]), sensed.step(rows, actions[1])
        assert np.array_equal(bare.view(rows).qpos, sensed.view(rows).qpos)
        found = sensors(sensed, rows)
        assert found.tolist() == [of_list(sensed, row) for row in rows.tolist()]
        deepest = min(deepest, float(found.min()))
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert -0.003 < deepest < -0.0005
