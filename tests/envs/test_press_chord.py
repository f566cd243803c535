"""PressChord: which presses count as a chord, its observation and lamps, the expert's depth."""

import numpy as np
import pytest

from envs.experts.press_chord import PressChordExpert
from envs.hand.hand import FINGERS
from envs.tasks.key_parts import KEY_TRAVEL_M, LAMP_OFF_M, LAMP_ON_M, TRIGGER_M
from envs.tasks.press_chord import CHORD_HOLD_STEPS, CHORDS, KEY_M, PressChord
from envs.world import STATE_STAGE, Outcome, World

ROW = np.array([0])
DOWN, UP = 1.5 * TRIGGER_M, 0.5 * TRIGGER_M


@pytest.fixture(scope="module")
def task() -> PressChord:
    return PressChord()


@pytest.fixture
def world(task: PressChord) -> World:
    """Return one row whose chords are {thumb, ring} and {index}."""
    world = World(task, 1, 1)
    world.reset(ROW, ROW)
    world.memory["chords"][0] = [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    return world


def press(world: World, fingers: str, depth: float = DOWN, steps: int = 1) -> Outcome:
    """Score `steps` control steps with the keys of `fingers` down and all others up."""
    task = world.task
    assert isinstance(task, PressChord)
    depths = [depth if finger in fingers.split() else UP for finger in FINGERS]
    world.batch.bind("qpos")[0, task.key_qpos] = -np.array(depths)
    world.batch.forward(ids=ROW, stage=STATE_STAGE)
    for _ in range(steps):
        for name, values in task.update_memory(world.view(ROW)).items():
            world.memory[name][ROW] = values
        outcome = world._judge(ROW, world.view(ROW))
    return outcome


@pytest.mark.parametrize("wrong", ["thumb", "thumb ring little", "index", ""])
def test_other_sets_do_not_count_and_do_not_fail(world: World, wrong: str) -> None:
    press(world, "thumb ring", steps=CHORD_HOLD_STEPS - 1)
    outcome = press(world, wrong)
    assert not outcome.failed[0]
    assert (world.memory["held"][0, 0], world.memory["current"][0, 0]) == (0, 0)


def test_both_chords_must_be_held_in_order(world: World) -> None:
    press(world, "index", steps=CHORD_HOLD_STEPS + 1)
    assert world.memory["current"][0, 0] == 0
    flags = [bool(press(world, "thumb ring").solved[0]) for _ in range(CHORD_HOLD_STEPS)]
    assert not any(flags)
    assert world.memory["current"][0, 0] == 1
    flags = [bool(press(world, "index").success[0]) for _ in range(CHORD_HOLD_STEPS)]
    assert flags == [False] * (CHORD_HOLD_STEPS - 1) + [True]


def test_observation_contains_the_chord_to_hold(task: PressChord, world: World) -> None:
    press(world, "thumb ring", steps=4)
    seen = task.observe(world.view(ROW))
    assert seen["pressed"][0].tolist() == [1, 0, 0, 1, 0] == seen["first_chord"][0].tolist()
    assert seen["second_chord"][0].tolist() == [0, 1, 0, 0, 0]
    assert (seen["current"][0].tolist(), seen["held"][0, 0]) == ([1, 0], 0.4)
    press(world, "thumb ring", steps=6)
    seen = task.observe(world.view(ROW))
    assert (seen["current"][0].tolist(), seen["held"][0, 0]) == ([0, 1], 0.0)


def test_lamps_are_on_at_the_keys_of_the_current_chord(task: PressChord, world: World) -> None:
    lamps = task.mocap(world.memory)[0]
    on, off = LAMP_ON_M, LAMP_OFF_M
    assert lamps[:, 2].tolist() == [on, off, off, on, off]
    np.testing.assert_allclose(lamps[:, 1], [y for _, y in KEY_M.values()])


def test_chords_are_the_sets_of_one_to_three_keys() -> None:
    assert len({tuple(chord) for chord in CHORDS.tolist()}) == 5 + 10 + 10
    assert set(CHORDS.sum(axis=1).tolist()) == {1.0, 2.0, 3.0}


def test_expert_presses_no_key_to_its_stop(task: PressChord) -> None:
    world = World(task, 8, 1)
    expert, rows, deepest = PressChordExpert(world), world.all_rows, 0.0
    world.reset(rows, rows)
    expert.reset(rows, rows)
    while len(rows):
        outcome = world.step(rows, expert.act(rows, world.observe(rows))[0][:, 0])
        deepest = max(deepest, float(-world.view(rows).qpos[:, task.key_qpos].min()))
        rows = rows[~(outcome.terminated | outcome.truncated)]
    assert TRIGGER_M < deepest < KEY_TRAVEL_M
