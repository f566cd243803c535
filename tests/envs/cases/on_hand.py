"""Cases of the tasks on described hands."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np

from envs.task import FloatArray, View
from envs.tasks.on_hand.base import TaskOnHand
from envs.tasks.on_hand.dial import open_posture
from envs.world import World
from tests.envs.cases.case import (
    Choice,
    Limit,
    Pose,
    Range,
    TaskCase,
    place_of,
    remembered,
    set_qpos,
)
from tests.envs.cases.keys import press_one
from tests.envs.cases.lifted import AVOID_POST, LIFT_CUBE, PICK_EITHER, RELOCATE_BALL
from tests.envs.cases.palm import ROTATE_CUBE, TURN_DIAL
from tests.envs.cases.parts import CLEAR_M, EDGE_M
from tests.envs.cases.put_down import INSERT_PEG, PLACE_CUBE

FINGERS = {"Shadow": 5, "Allegro": 4, "Leap": 4}
TIED = {
    # a servo of each finger that has more than three, and one at the same share of its range
    "Shadow": ((4, 5), (5, 6), (18, 19)),
    "Allegro": ((2, 3), (6, 7), (10, 11), (14, 15)),
    "Leap": ((2, 3), (6, 7), (10, 11), (14, 15)),
}
MOVING = {"Shadow": slice(2, 20), "Allegro": slice(0, 16), "Leap": slice(0, 16)}  # no wrist
TIP_RADIUS_M = 0.009  # used for every fingertip
MARGIN = 0.3  # postures with contact between links are rejected


def reach_pose(world: World) -> None:
    task = world.task
    assert isinstance(task, TaskOnHand)
    set_qpos(world, slice(None), task.hand_qpos(world.memory["goal_posture"][0]))
    world.memory["goal"][0] = world.view(world.all_rows).site_position(task.hand.tips)[0].ravel()


def miss_of_finger(finger: int) -> Pose:
    def pose(world: World, miss: float) -> None:
        world.memory["goal"][0, 3 * finger : 3 * finger + 3] += miss * np.array([0.6, 0.0, 0.8])

    return pose


def shares(posture: FloatArray, task: TaskOnHand) -> FloatArray:
    low, high = task.hand.low, task.hand.high
    return np.asarray((posture - low) / (high - low))


def start_shares(task: TaskOnHand, view: View) -> FloatArray:
    return shares(task.measured(view), task)


def goal_shares(task: TaskOnHand, view: View) -> FloatArray:
    return shares(view.memory("goal_posture"), task)


def farthest_way(task: TaskOnHand, view: View) -> FloatArray:
    goals = view.memory("goal").reshape(len(view), -1, 3)
    return np.linalg.norm(view.site_position(task.hand.tips) - goals, axis=2).max(axis=1)


def reach_pose_on(hand: str) -> TaskCase:
    moving, pairs = MOVING[hand], TIED[hand]
    return TaskCase(
        solve=reach_pose,
        limits=tuple(
            Limit(f"finger {k} to its goal", 0.01, miss_of_finger(k), is_goal=True)
            for k in range(FINGERS[hand])
        ),
        starts=(
            Range("start", 0.2, 0.8, lambda t, v: start_shares(t, v)[:, moving], MARGIN),
            Range("goal", 0.2, 0.8, lambda t, v: goal_shares(t, v)[:, moving], MARGIN),
            Range("farthest tip's way", 0.02, np.inf, farthest_way, margin=0.02),
            *(
                Range("tied", 0.0, 0.0, lambda t, v, p=pair: np.diff(goal_shares(t, v)[:, list(p)]))
                for pair in pairs
            ),
        ),
    )


def jitter(task: TaskOnHand, view: View) -> FloatArray:
    """Return the servos' starts minus the posture over the keys, where no limit cuts them off."""
    return jitter_around(task.start_posture, task, view)  # type: ignore[attr-defined]


def jitter_around(middle: FloatArray, task: TaskOnHand, view: View) -> FloatArray:
    free = (middle - task.hand.low > 0.1) & (task.hand.high - middle > 0.1)
    difference = task.measured(view) - middle
    return np.asarray(difference[:, free & task.is_in_finger])


def dial_jitter(task: TaskOnHand, view: View) -> FloatArray:
    return jitter_around(open_posture(task.described, 0.014), task, view)


def tips_over_keys(task: TaskOnHand, view: View) -> FloatArray:
    return np.asarray(task.tip_offset(view)[..., 2])  # type: ignore[attr-defined]


PRESS_EITHER = TaskCase(
    solve=lambda world: press_one(0)(world, 0.006),
    limits=tuple(Limit(f"key {k} down", 0.003, press_one(k), side="above") for k in range(2)),
    starts=(
        Choice(
            "board",
            set(product((-0.006, 0.006), (-0.004, 0.004), (-0.004, 0.004))),
            lambda task, view: view.memory("board"),
        ),
        Choice("wait", {(float(k),) for k in range(15, 46)}, remembered("countdown")),
        Range("tips above their keys", 0.0, np.inf, tips_over_keys, margin=np.inf),
        Range("jitter", -0.1, 0.1, jitter, margin=0.1),
    ),
    hold_steps=5,
)


def press_second_chord(world: World) -> None:
    """Press the first and the third key as the second chord, after the second as the first."""
    keys = len(world.task.key_qpos)  # type: ignore[attr-defined]
    first, second = np.zeros(keys), np.zeros(keys)
    first[1], second[[0, 2]] = 1.0, 1.0
    world.memory["chords"][0] = np.concatenate([first, second])
    world.memory["current"][0] = 1.0
    world.memory["held"][0] = 0.0
    set_qpos(world, world.task.key_qpos, -0.006 * second)  # type: ignore[attr-defined]


def press_key(key: int) -> Pose:
    def pose(world: World, depth: float) -> None:
        set_qpos(world, world.task.key_qpos[key], -depth)  # type: ignore[attr-defined]

    return pose


def press_chord_on(hand: str) -> TaskCase:
    keys = FINGERS[hand]
    sets = {
        tuple(float(key in chord) for key in range(keys))
        for size in (1, 2, 3)
        for chord in combinations(range(keys), size)
    }
    others = [key for key in range(keys) if key not in (0, 2)]
    return TaskCase(
        solve=press_second_chord,
        limits=(
            *(Limit(f"key {k} of the chord", 0.004, press_key(k), side="above") for k in (0, 2)),
            *(Limit(f"key {k}, not of the chord", 0.004, press_key(k)) for k in others),
        ),
        starts=(
            Choice("first chord", sets, lambda task, view: view.memory("chords")[:, :keys]),
            Choice("second chord", sets, lambda task, view: view.memory("chords")[:, keys:]),
            Range("jitter", -0.1, 0.1, jitter, margin=0.1),
        ),
    )


CASES = {f"ReachPose{hand}": reach_pose_on(hand) for hand in FINGERS}
CASES |= {f"PressEither{hand}": PRESS_EITHER for hand in FINGERS}
CASES |= {f"PressChord{hand}": press_chord_on(hand) for hand in FINGERS}
TURN_DIAL_ON_HAND = replace(
    TURN_DIAL,
    starts=(
        TURN_DIAL.starts[0],
        Range("jitter", -0.1, 0.1, dial_jitter, margin=0.1),
        *TURN_DIAL.starts[2:],
    ),
)
CASES |= {f"TurnDial{hand}": TURN_DIAL_ON_HAND for hand in FINGERS}


def open_jitter(task: TaskOnHand, view: View) -> FloatArray:
    return jitter_around(task.start_posture, task, view)  # type: ignore[attr-defined]


CASES["RotateCubeShadow"] = replace(
    ROTATE_CUBE,
    starts=(*ROTATE_CUBE.starts[:-1], Range("jitter", -0.05, 0.05, open_jitter, margin=0.1)),
)
# On the wrist: as on the fmbench hand, whose slides have the same zero.


def thumb_at_cube(world: World, gap: float) -> None:
    """Bring the thumb's tip, behind which all others are, in front of a cube's face."""
    task = world.task
    centre = place_of(world, task.cube_qpos)  # type: ignore[attr-defined]
    tip = world.view(world.all_rows).site_position(task.hand.tips)[0, 0]
    target = centre + np.array([EDGE_M / 2 + TIP_RADIUS_M + gap, 0.0, 0.0])
    slides = task.hand.qpos[:3]
    set_qpos(world, slides, world.batch.bind("qpos")[0, slides] + target - tip)


def placed(world: World) -> None:
    PLACE_CUBE.solve(world)
    cube = world.task.cube_qpos  # type: ignore[attr-defined]
    set_qpos(world, slice(cube + 3, cube + 7), (1.0, 0.0, 0.0, 0.0))


PLACE_CUBE_ON_HAND = replace(
    PLACE_CUBE,
    solve=placed,
    limits=(
        *PLACE_CUBE.limits[:-1],
        Limit("gap to the fingers", CLEAR_M, thumb_at_cube, side="above"),
    ),
)
ON_WRIST = {
    "LiftCube": LIFT_CUBE,
    "PickEither": PICK_EITHER,
    "PlaceCube": PLACE_CUBE_ON_HAND,
    "RelocateBall": RELOCATE_BALL,
    "InsertPeg": INSERT_PEG,
}
CASES |= {f"{task}{hand}": case for hand in FINGERS for task, case in ON_WRIST.items()}
CASES["AvoidPostLeap"] = AVOID_POST
