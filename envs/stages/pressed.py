"""Stages of the tasks in which fingertips go to points or press keys; nothing can be dropped."""

import numpy as np

from envs.arrays import BoolArray
from envs.rotations import distance
from envs.stages.declaration import Stages
from envs.task import View
from envs.tasks.key_parts import KEY_HALF_SIZE_M
from envs.tasks.press_chord import PressChord
from envs.tasks.press_either import TRIGGER_M, PressEither
from envs.tasks.reach_pose import TOLERANCE_M, ReachPose


def _reach_pose(task: ReachPose, view: View) -> tuple[BoolArray, ...]:
    goals = task.desired_goal(view).reshape(len(view), -1, 3)
    there = (distance(view.site_position(task.hand.tips), goals) < TOLERANCE_M).sum(axis=1)
    tips = goals.shape[1]
    return there >= 1, there >= tips - 1, there == tips


def _press_either(task: PressEither, view: View) -> tuple[BoolArray, ...]:
    aside = np.abs(task.tip_offset(view)[:, :, :2])
    over = (aside < KEY_HALF_SIZE_M[:2]).all(axis=(1, 2))
    pressed, countdown = view.memory("pressed"), view.memory("countdown")[:, 0]
    waited = over & (countdown <= 0.0) & (pressed <= 1.0).all(axis=1)
    is_down = task.key_depth(view) >= TRIGGER_M
    one = waited & ((pressed > 0.0).sum(axis=1) == 1) & is_down.any(axis=1)
    return np.asarray(over), np.asarray(waited), np.asarray(one)


def _press_chord(task: PressChord, view: View) -> tuple[BoolArray, ...]:
    pressed, chord = task.pressed(view), task.chord(view)
    is_second, exact = view.memory("current")[:, 0] == 1.0, (pressed == chord).all(axis=1)
    some = (pressed & chord).any(axis=1)
    return some & ~is_second, exact & ~is_second, is_second, exact & is_second


REACH_POSE = Stages(("one tip", "all but one", "all tips", "held"), _reach_pose)
PRESS_EITHER = Stages(
    ("over the keys", "waited", "one key down", "held"),
    _press_either,
)
PRESS_CHORD = Stages(
    ("a key down", "first chord", "first held", "second chord", "held"),
    _press_chord,
)
