"""Goal-conditioned Gymnasium environment: a dictionary of observation and goals."""

from envs.gym.env import HandEnv
from envs.gym.goal_protocol import check_goal_task, goal_reward
from envs.gym.observations import Observations
from envs.gym.pixels import make_goal_observations
from envs.gym.protocol import Array
from envs.task import FloatArray


class HandGoalEnv(HandEnv):
    """A task as a goal-conditioned Gymnasium environment, for hindsight replay.

    Observations are dictionaries of float32 arrays: `observation`, the task's observation without
    the fields that depend on the goal; `achieved_goal` and `desired_goal`, (goal_size,). The reward
    of `step` is that of `compute_reward`: 0 where the achieved goal counts as the desired one and
    -1 elsewhere. The task's dense reward terms are in the infos. Everything else is as in
    `HandEnv`, including success, which must hold for the task's `hold_steps`.

    Args:
        task: Name of a task with a goal.
        render_mode: None or "rgb_array".

    Raises:
        ValueError: The task has no goal, or pictures are to be observed.
    """

    def compute_reward(self, achieved_goal: Array, desired_goal: Array, info: object) -> FloatArray:
        """Return the reward of achieved goals given desired goals.

        Args:
            achieved_goal: `(..., goal_size)`.
            desired_goal: `(..., goal_size)`.
            info: Not read; part of Gymnasium's interface.

        Returns:
            0 where the goal counts as reached and -1 elsewhere, `(...,)`.
        """
        del info
        return goal_reward(check_goal_task(self._world.task), achieved_goal, desired_goal)

    def _make_observations(self) -> Observations:
        return make_goal_observations(self._world, self._sight)
