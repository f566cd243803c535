"""What the end of an episode is worth to an agent: wrappers of stable-baselines3's environments."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper


class ContinuedReturns(VecEnvWrapper):  # type: ignore[misc]
    """Environments in which a success ends an episode, but not the return.

    Dense rewards are positive at every step, also where the task is solved. If its end were worth
    nothing, an agent would do best never to succeed. The critic's value of the last observation
    stands for the rewards that would follow, as at the horizon.
    """

    def reset(self) -> Any:
        """Start an episode in every row."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Advance all rows; an episode that ended with success counts as cut."""
        observations, rewards, ended, infos = self.venv.step_wait()
        for info in infos:
            info["TimeLimit.truncated"] |= "terminal_observation" in info and info["success"]
        return observations, rewards, ended, infos


class LastingFailures(VecEnvWrapper):  # type: ignore[misc]
    """Environments of goals in which a failure ends an episode, but not its rewards of -1.

    Every step costs 1 until the goal is reached. If a failure that cannot be undone ended that, an
    agent would do best to fail at once: -1, against up to -1 / (1 - gamma) for going on. So the
    last reward of such an episode is the discounted sum of all that would follow,
    sum_k -gamma^k = -1 / (1 - gamma), as if it stayed failed. The Fetch and hand environments of
    gymnasium-robotics get the same by never ending an episode before its time limit, where, as
    here, the critic's value stands for what would follow.

    Rewards of relabelled goals are not changed: a goal that was achieved in the failure, and is
    desired in hindsight, was reached.

    Args:
        venv: The environments.
        gamma: The discount of the agent, in [0, 1).
    """

    def __init__(self, venv: VecEnv, gamma: float) -> None:
        super().__init__(venv)
        self._failure = np.float32(-1 / (1 - gamma))

    def reset(self) -> Any:
        """Start an episode in every row."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Advance all rows; the last reward of a failure stands for all that would follow."""
        observations, rewards, ended, infos = self.venv.step_wait()
        failed = [
            bool(over) and not info["TimeLimit.truncated"] and not info["success"]
            for over, info in zip(ended, infos, strict=True)
        ]
        return observations, np.where(failed, self._failure, rewards), ended, infos
