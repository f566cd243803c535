"""PressEither: which presses count, the keys' positions, and the mean of the two modes."""

import numpy as np
import pytest

from envs.experts.press_either import PressEitherExpert
from envs.task import FloatArray, IntArray, View
from envs.tasks.press_either import (
    BOARD_SHIFT_M,
    DEADLINE_STEPS,
    TRIGGER_M,
    PressEither,
)
from envs.world import STATE_STAGE, Outcome, World

ROW = np.array([0])


@pytest.fixture(scope="module")
def task() -> PressEither:
    return PressEither()


def judge(task: PressEither, depths: tuple[float, float], countdown: int) -> Outcome:
    """Score one control step with the keys down by `depths`, in units of the trigger depth."""
    world = World(task, 1, 1)
    world.reset(ROW, ROW)
    world.memory["countdown"][0] = countdown + 1.0
    world.batch.bind("qpos")[0, task.key_qpos] = -TRIGGER_M * np.array(depths)
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    for name, values in task.update_memory(world.view(ROW)).items():
        world.memory[name][ROW] = values
    return world._judge(ROW, world.view(ROW))


@pytest.mark.parametrize(
    ("depths", "countdown", "failed", "mode"),
    [
        ((1.0, 0.0), -1, False, 0),
        ((0.0, 1.0), -1, False, 1),
        ((0.999, 0.999), -1, False, -1),
        ((1.0, 1.0), -1, True, -1),
        ((1.0, 0.0), 0, True, 0),
        ((0.0, 0.0), 1 - DEADLINE_STEPS, False, -1),
        ((0.0, 0.0), -DEADLINE_STEPS, True, -1),
        ((1.0, 0.0), -DEADLINE_STEPS, False, 0),
    ],
)
def test_exactly_one_key_in_time_counts(
    task: PressEither, depths: tuple[float, float], countdown: int, failed: bool, mode: int
) -> None:
    outcome = judge(task, depths, countdown)
    assert outcome.failed.tolist() == [failed]
    assert outcome.mode.tolist() == [mode]


def test_keys_are_at_their_observed_positions(task: PressEither) -> None:
    world = World(task, 20)
    world.reset(world.all_rows, world.all_rows)
    tops = task.key_tops(world.view(world.all_rows))
    for row in world.all_rows.tolist():
        data = world.batch.get_data(row)
        for k, key in enumerate(("index_key", "middle_key")):
            geom = data.geom(key)
            expected = [*geom.xpos[:2], geom.xpos[2] + task.model.geom(key).size[2]]
            assert tops[row, k] == pytest.approx(expected, abs=1e-9)
    assert np.ptp(tops, axis=0) == pytest.approx(np.tile(2 * BOARD_SHIFT_M, (2, 1)))


def finish(expert: PressEitherExpert, n: int) -> tuple[int, int]:
    """Run `n` episodes; return how many succeeded and how many pressed both keys."""
    world, rows = expert.world, expert.world.all_rows
    world.reset(rows, np.arange(n))
    expert.reset(rows, np.arange(n))
    successes = 0
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        successes += int(outcome.success.sum())
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return successes, int((world.memory["pressed"] == 1.0).all(axis=1).sum())


class Average(PressEitherExpert):
    """Command the mean of the two modes, as regression on both would."""

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        mode, commands = self.mode[rows].copy(), []
        for self.mode[rows] in (0, 1):
            commands.append(super().command(rows, view, phase))
        self.mode[rows] = mode
        return np.asarray(np.mean(commands, axis=0))


def test_mean_of_the_two_modes_presses_both_keys(task: PressEither) -> None:
    assert finish(PressEitherExpert(World(task, 60)), 60) == (60, 0)
    successes, both = finish(Average(World(task, 60)), 60)
    assert successes <= 3
    assert both >= 57
