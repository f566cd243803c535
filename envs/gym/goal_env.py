"""Serve a task with a goal one episode at a time, the goal apart from the observation."""

import numpy as np
from gymnasium.spaces import Box, Dict

from envs.goals import GoalTask
from envs.gym.env import ROW, HandEnv
from envs.gym.protocol import Array
from envs.world import Outcome

GOAL_LIMIT = 10.0  # of any number of a goal


class HandGoalEnv(HandEnv):
    """A task as a goal-conditioned Gymnasium environment, as hindsight replay needs it.

    Observations are dictionaries of float32 arrays: `observation`, what the task observes but for
    what depends on the goal; `achieved_goal` and `desired_goal`, (goal_size,). The reward is 0
    where the achieved goal counts as the desired one and -1 elsewhere, in `step` as in
    `compute_reward`; the task's dense terms are in the infos. All else is `HandEnv`'s, success,
    which has to hold for the task's `hold_steps`, included.

    Args:
        task: Name of a task with a goal.
        render_mode: None or "rgb_array".

    Raises:
        ValueError: The task has no goal.
    """

    def __init__(self, task: str, render_mode: str | None = None) -> None:
        super().__init__(task, render_mode)
        goal_task = self._goal_task
        limits = goal_task.observation_limits()[goal_task.goal_free_columns]
        goal = Box(-GOAL_LIMIT, GOAL_LIMIT, (goal_task.goal_size,), np.float32)
        self.observation_space = Dict(
            {
                "observation": Box(-limits, limits, dtype=np.float32),
                "achieved_goal": goal,
                "desired_goal": goal,
            }
        )

    def compute_reward(
        self, achieved_goal: Array, desired_goal: Array, info: object
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return what reaching a goal is worth when another one is asked for.

        Args:
            achieved_goal: ``(..., goal_size)``.
            desired_goal: ``(..., goal_size)``.
            info: Not read; Gymnasium's interface has it.

        Returns:
            0 where the goal counts as reached and -1 elsewhere, ``(...,)``.
        """
        del info
        reached = self._goal_task.reaches(
            np.asarray(achieved_goal, np.float64), np.asarray(desired_goal, np.float64)
        )
        return np.asarray(reached, np.float64) - 1.0

    @property
    def _goal_task(self) -> GoalTask:
        task = self._world.task
        if not isinstance(task, GoalTask):
            raise ValueError(f"{task.name} has no goal; make {task.id} instead.")
        return task

    def _observe(self) -> dict[str, Array]:
        task, view = self._goal_task, self._world.view(ROW)
        goals = task.achieved_goal(view)[0], task.desired_goal(view)[0]
        achieved, desired = (
            np.clip(goal, -GOAL_LIMIT, GOAL_LIMIT).astype(np.float32) for goal in goals
        )
        return {
            "observation": super()._observe()[task.goal_free_columns],
            "achieved_goal": achieved,
            "desired_goal": desired,
        }

    def _reward(self, outcome: Outcome, observation: dict[str, Array]) -> float:
        goals = observation["achieved_goal"], observation["desired_goal"]
        return float(self.compute_reward(*goals, {}))
