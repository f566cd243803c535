"""Our vectorised environments as stable-baselines3's `VecEnv`: one batch instead of processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from envs.gym.vector_env import HandVectorEnv

SHARED = ("action_space", "observation_space", "render_mode", "task", "task_description", "spec")
"""Attributes that all rows share, and that `get_attr` gives."""
METHODS = ("compute_reward",)
"""Methods that depend on no row, and that `env_method` calls."""
FINAL = ("final_obs", "final_info")
"""Infos of ended episodes, as Gymnasium's vector environments give them."""
Infos = dict[str, Any]


class SB3VecEnv(VecEnv):  # type: ignore[misc]
    """N environments of one task that learn together in stable-baselines3.

    Row i behaves exactly, bit for bit, as `gymnasium.make(id)` in stable-baselines3's
    `DummyVecEnv`: the same seeds, episodes, observations, rewards and infos. An ended episode is
    followed by the next one in the same step, whose info has the last observation of the ended
    episode as `terminal_observation`, and `TimeLimit.truncated`. `compute_reward` of goal tasks
    can be called with `env_method`, which `HerReplayBuffer` does.

    Options of a reset are not accepted, nor are attributes set.

    Args:
        envs: The environments, made with `autoreset_mode="SameStep"`.

    Raises:
        ValueError: They are not ours, or have another autoreset mode.
    """

    def __init__(self, envs: HandVectorEnv) -> None:
        if not isinstance(envs, HandVectorEnv):
            kind = type(envs).__name__
            raise ValueError(f"{kind} is no environment of fmbench; call make_sb3_envs(id, n)")
        if envs.autoreset_mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"autoreset_mode is {envs.autoreset_mode.value}; make the environments with "
                f"autoreset_mode={AutoresetMode.SAME_STEP.value!r}, or call make_sb3_envs(id, n)"
            )
        self.envs = envs
        self._actions = np.zeros((0,), dtype=np.float32)
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> Any:
        """Start an episode in every row, with the seeds of the last `seed`, and return them."""
        seeds = list(self._seeds)
        self._reset_seeds()
        observations, infos = self.envs.reset(seed=seeds)
        self.reset_infos = _by_row(infos, self.num_envs)
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions, `(N, act_dim)`, for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[Infos]]:
        """Advance all rows by one control step.

        Returns:
            Observations, rewards `(N,)` float32, whether the episodes ended `(N,)`, and an info
            of each row.
        """
        observations, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        ended = terminated | truncated
        rows = _by_row(infos, self.num_envs)
        if ended.any():
            last = _by_row(infos["final_info"], self.num_envs)
            for row in np.flatnonzero(ended).tolist():
                self.reset_infos[row] = rows[row]
                rows[row] = last[row] | {"terminal_observation": infos["final_obs"][row]}
        for info, is_late in zip(rows, (truncated & ~terminated).tolist(), strict=True):
            info["TimeLimit.truncated"] = is_late
        return observations, rewards.astype(np.float32), ended, rows

    def close(self) -> None:
        """Release the simulations."""
        self.envs.close()

    def set_options(self, options: Any = None) -> None:
        """Accept no options: an episode is chosen by `seed` alone.

        Raises:
            ValueError: There are some.
        """
        if options and any(options):
            raise ValueError("options of a reset are not accepted; choose episodes with seed()")
        super().set_options(None)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute that all rows share, once for each row.

        Raises:
            AttributeError: There is no such attribute; the message lists those that there are.
        """
        if attr_name not in SHARED:
            raise AttributeError(f"{attr_name!r} is not shared by rows; {', '.join(SHARED)} are")
        single = {
            "action_space": self.envs.single_action_space,
            "observation_space": self.envs.single_observation_space,
        }
        value = single.get(attr_name) or getattr(self.envs, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Reject every attribute: all rows are one batch.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            f"{attr_name!r} cannot be set; make the environments with other values"
        )

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method that depends on no row, once for each row.

        Raises:
            AttributeError: There is no such method; the message lists those that there are.
        """
        if method_name not in METHODS or not hasattr(self.envs, method_name):
            known = [name for name in METHODS if hasattr(self.envs, name)]
            raise AttributeError(
                f"{method_name!r} cannot be called for a row; "
                + (f"{', '.join(known)} can" if known else "this task has no goal")
            )
        method = getattr(self.envs, method_name)
        return [method(*method_args, **method_kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        """Return False for each row: rows have no wrappers."""
        del wrapper_class
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Return an image of each row, `(480, 480, 3)` uint8, in mode "rgb_array"."""
        images = None if self.render_mode is None else self.envs.render()
        return [None] * self.num_envs if images is None else images


def make_sb3_envs(env_id: str, num_envs: int, **kwargs: Any) -> SB3VecEnv:
    """Make N environments of an id of fmbench for stable-baselines3.

    Args:
        env_id: E.g. "fmbench/LiftCubeGoal-v0".
        num_envs: N.
        kwargs: Further arguments of the environments, e.g. `num_threads` or `render_mode`.
    """
    mode = AutoresetMode.SAME_STEP
    made = gymnasium.make_vec(env_id, num_envs=num_envs, autoreset_mode=mode, **kwargs)
    return SB3VecEnv(made)  # type: ignore[arg-type]


def _by_row(infos: Infos, count: int) -> list[Infos]:
    """Return an info for each row, with Python's own numbers, from arrays `(N,)` by name."""
    names = [name for name in infos if name[0] != "_" and name not in FINAL]
    rows = [dict(zip(names, row)) for row in zip(*[infos[name].tolist() for name in names])]  # noqa: B905
    return rows or [{} for _ in range(count)]
