"""StackCubes: the order of the cubes, and the expert's recovery."""

import numpy as np
import pytest

from envs.experts.put_down import PutDownPhase
from envs.tasks.stack_cubes import (
    EDGE_UP_M,
    StackCubes,
)
from tests.envs.expert_runs import begin, phases_when_moved, put


@pytest.fixture(scope="module")
def task() -> StackCubes:
    return StackCubes()


def test_cubes_count_only_in_this_order(task: StackCubes) -> None:
    for upper, is_solved in ((0, True), (1, False)):
        world = begin(task)
        base = world.view(world.all_rows).site_position(task.cube_sites[1])[0].copy()
        put(world, task.cube_qpos[1 - upper], base)
        put(world, task.cube_qpos[upper], base + EDGE_UP_M)
        assert task.score(world.view(world.all_rows)).solved.tolist() == [is_solved]


def test_expert_stacks_a_fallen_cube_again(task: StackCubes) -> None:
    aside = np.array([0.05, -0.13, 0.0])
    phases, success = phases_when_moved(begin(task), task.cube_qpos[0], aside)
    assert success
    assert PutDownPhase.APPROACH in phases[phases.index(PutDownPhase.RETREAT) :]
