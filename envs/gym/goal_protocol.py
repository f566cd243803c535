"""Goal-conditioned observations and rewards in Gymnasium's format, batched over rows."""

import numpy as np
from gymnasium.spaces import Box, Dict

from envs.goals import GoalTask
from envs.gym.protocol import Array
from envs.task import FloatArray, IntArray, Task
from envs.world import World

GOAL_LIMIT = 10.0  # bound of every value of a goal


def check_goal_task(task: Task) -> GoalTask:
    """Return the task, checked to have a goal.

    Raises:
        ValueError: It has none; the message states the id of its ordinary environment.
    """
    if not isinstance(task, GoalTask):
        raise ValueError(f"{task.name} has no goal; make {task.id} instead.")
    return task


def goal_observation_space(task: GoalTask) -> Dict:
    """Return the space of one goal-conditioned observation, all parts float32."""
    limits = task.observation_limits()[task.goal_free_columns]
    goal = Box(-GOAL_LIMIT, GOAL_LIMIT, (task.goal_size,), np.float32)
    return Dict(
        {
            "observation": Box(-limits, limits, dtype=np.float32),
            "achieved_goal": goal,
            "desired_goal": goal,
        }
    )


def goal_observations(world: World, rows: IntArray) -> dict[str, Array]:
    """Return the observations of n rows: (n, goal-free size) and two (n, goal_size), float32."""
    columns = check_goal_task(world.task).goal_free_columns
    return {"observation": world.observe(rows)[:, columns], **goals(world, rows)}


def goals(world: World, rows: IntArray) -> dict[str, Array]:
    """Return the achieved and the desired goals of n rows, two (n, goal_size), float32."""
    task, view = check_goal_task(world.task), world.view(rows)
    both = task.achieved_goal(view), task.desired_goal(view)
    achieved, desired = (np.clip(g, -GOAL_LIMIT, GOAL_LIMIT).astype(np.float32) for g in both)
    return {"achieved_goal": achieved, "desired_goal": desired}


def goal_reward(task: GoalTask, achieved_goal: Array, desired_goal: Array) -> FloatArray:
    """Return 0 where a goal (..., goal_size) counts as the desired one and -1 elsewhere, (...,)."""
    reached = task.reaches(
        np.asarray(achieved_goal, np.float64), np.asarray(desired_goal, np.float64)
    )
    return np.asarray(reached, np.float64) - 1.0
