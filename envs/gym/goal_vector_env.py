"""Goal-conditioned Gymnasium vector environment."""

from envs.gym.goal_protocol import check_goal_task, goal_reward
from envs.gym.observations import Observations
from envs.gym.pixels import make_goal_observations
from envs.gym.protocol import Array
from envs.gym.vector_env import HandVectorEnv
from envs.task import FloatArray


class HandGoalVectorEnv(HandVectorEnv):
    """N goal-conditioned environments of one task, stepped together.

    Row i behaves exactly, bit for bit, as `HandGoalEnv` under TimeLimit in Gymnasium's
    SyncVectorEnv. Observations are dictionaries of float32 arrays with leading dimension N.
    Everything else, including the arguments, is as in `HandVectorEnv`.

    Raises:
        ValueError: The task has no goal, or pictures are to be observed.
    """

    def compute_reward(self, achieved_goal: Array, desired_goal: Array, info: object) -> FloatArray:
        """Return the reward of achieved goals given desired goals, as `HandGoalEnv` does.

        Args:
            achieved_goal: `(..., goal_size)`.
            desired_goal: `(..., goal_size)`.
            info: Not read.

        Returns:
            0 where the goal counts as reached and -1 elsewhere, `(...,)`.
        """
        del info
        return goal_reward(check_goal_task(self._world.task), achieved_goal, desired_goal)

    def _make_observations(self) -> Observations:
        return make_goal_observations(self._world, self._sight)
