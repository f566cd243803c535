"""Cases of the tasks in which keys are pressed."""

from itertools import combinations, product

import numpy as np

from envs.hand.hand import FINGERS
from envs.tasks import press_chord, press_either
from envs.world import World
from tests.envs.cases.case import (
    Choice,
    Limit,
    Pose,
    Range,
    TaskCase,
    jittered,
    remembered,
    set_qpos,
)

# PressEither and PressChord


def press_one(key: int) -> Pose:
    def pose(world: World, depth: float) -> None:
        world.memory["countdown"][0] = 0.0
        depths = np.zeros(2)
        depths[key] = depth
        set_qpos(world, world.task.key_qpos, -depths)

    return pose


def press_second_chord(world: World) -> None:
    """Press the index and ring keys as the second chord, after the thumb as the first."""
    world.memory["chords"][0] = [1, 0, 0, 0, 0, 0, 1, 0, 1, 0]
    world.memory["current"][0] = 1.0
    world.memory["held"][0] = 0.0
    set_qpos(world, world.task.key_qpos, [0.0, -0.006, 0.0, -0.006, 0.0])


def press_finger(finger: str) -> Pose:
    def pose(world: World, depth: float) -> None:
        set_qpos(world, world.task.key_qpos[FINGERS.index(finger)], -depth)

    return pose


PRESS_EITHER = TaskCase(
    solve=lambda world: press_one(0)(world, 0.006),
    limits=tuple(
        Limit(f"{key} key down", 0.003, press_one(k), side="above")
        for k, key in enumerate(("index", "middle"))
    ),
    starts=(
        Choice(
            "board",
            set(product((-0.012, 0.012), (-0.01, 0.01), (-0.008, 0.008))),
            lambda task, view: view.memory("board"),
        ),
        Choice("wait", {(float(k),) for k in range(15, 46)}, remembered("countdown")),
        Range(
            "tips above their keys",
            0.0,
            np.inf,
            lambda task, view: task.tip_offset(view)[..., 2],
            margin=np.inf,
        ),
        jittered(
            "hand",
            press_either.START_POSTURE_RAD,
            [0.25, 0.25, 0.25, 0.25] + [0.15, 0.12, 0.25] * 2 + [0.25, 0.25] * 2,
        ),
    ),
    hold_steps=5,
)
CHORD_SETS = {
    tuple(float(finger in chord) for finger in FINGERS)
    for size in (1, 2, 3)
    for chord in combinations(FINGERS, size)
}
PRESS_CHORD = TaskCase(
    solve=press_second_chord,
    limits=(
        *(
            Limit(f"{finger} key of the chord down", 0.004, press_finger(finger), side="above")
            for finger in ("index", "ring")
        ),
        *(
            Limit(f"{finger} key, not of the chord, down", 0.004, press_finger(finger))
            for finger in ("thumb", "middle", "little")
        ),
    ),
    starts=(
        Choice("first chord", CHORD_SETS, lambda task, view: view.memory("chords")[:, :5]),
        Choice("second chord", CHORD_SETS, lambda task, view: view.memory("chords")[:, 5:]),
        Range(
            "keys that differ between the chords",
            1.0,
            5.0,
            lambda task, view: np.abs(np.diff(view.memory("chords").reshape(-1, 2, 5), axis=1)).sum(
                axis=(1, 2)
            ),
        ),
        jittered(
            "hand",
            press_chord.START_POSTURE_RAD,
            [0.15, 0.2, 0.2, 0.2] + [0.12, 0.12, 0.25] * 2 + [0.15, 0.25] * 2,
        ),
    ),
)

CASES = {
    "PressEither": PRESS_EITHER,
    "PressChord": PRESS_CHORD,
}
