"""Running normalisation of observations with which hindsight learns from what has happened."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecNormalize


class GoalNormalize(VecNormalize):  # type: ignore[misc]
    """`VecNormalize` for goals and hindsight, different from it (stable-baselines3 2.9.2) in two.

    Goals that are desired and achieved have one mean and variance, over both. By those of the
    desired ones alone, which lie within 1 cm in some tasks, all goals of hindsight are far outside:
    clipped to one and the same number.

    The last observation of an episode is stored in the replay buffer as the environment gave it.
    There it would be computed from the normalised and clipped one: a cube that is lifted for the
    first time would end lower than it did, and hindsight would take that for a goal.

    Observations that are no dictionaries, without goals, are treated as by `VecNormalize`.
    """

    _ends: tuple[tuple[Any, Any], ...] = ()
    """Dictionaries of the last step, normalised and as they were."""
    _is_stepping = False

    def __init__(self, venv: VecEnv, **kwargs: Any) -> None:
        super().__init__(venv, **kwargs)
        if isinstance(self.obs_rms, dict):
            self.obs_rms["desired_goal"] = self.obs_rms["achieved_goal"]

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance all rows by one control step; see `VecNormalize`."""
        self._ends, self._is_stepping = (), True
        try:
            observations, rewards, dones, infos = super().step_wait()
        finally:
            self._is_stepping = False
        return observations, rewards, dones, infos

    def normalize_obs(self, obs: Any) -> Any:
        """Return observations, normalised and clipped."""
        normalised = super().normalize_obs(obs)
        if self._is_stepping and isinstance(obs, dict):
            self._ends += ((normalised, obs),)
        return normalised

    def unnormalize_obs(self, obs: Any) -> Any:
        """Return observations as they were before: exactly if they are those of the last step."""
        for normalised, given in self._ends:
            if obs is normalised:
                return {name: values.copy() for name, values in given.items()}
        return super().unnormalize_obs(obs)
