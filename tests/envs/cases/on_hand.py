"""Cases of the tasks on described hands."""

import numpy as np

from envs.task import FloatArray, View
from envs.tasks.on_hand.base import TaskOnHand
from envs.world import World
from tests.envs.cases.case import Limit, Pose, Range, TaskCase, set_qpos

FINGERS = {"Shadow": 5, "Allegro": 4, "Leap": 4}
TIED = {
    # a servo of each finger that has more than three, and one at the same share of its range
    "Shadow": ((4, 5), (5, 6), (18, 19)),
    "Allegro": ((2, 3), (6, 7), (10, 11), (14, 15)),
    "Leap": ((2, 3), (6, 7), (10, 11), (14, 15)),
}
MOVING = {"Shadow": slice(2, 20), "Allegro": slice(0, 16), "Leap": slice(0, 16)}  # no wrist
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


CASES = {f"ReachPose{hand}": reach_pose_on(hand) for hand in FINGERS}
