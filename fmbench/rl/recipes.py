"""The algorithms, and the value and source of every hyperparameter: plain data."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_STEPS = 300_000
"""Environment steps of a training: one budget for all algorithms and tasks."""
DEFAULT_ENVS = 8

ZOO = "rl-baselines3-zoo's tuned values of SAC + HER on Fetch tasks"
ZOO_PPO = "rl-baselines3-zoo's tuned values of PPO on MuJoCo tasks"
DEFAULT = "stable-baselines3's default"
OURS = "ours"


@dataclass(frozen=True)
class Algorithm:
    """An algorithm of stable-baselines3, as it is used here.

    Attributes:
        policy: Name of its policy in rows.
        label: Name in tables and figures.
        needs_goal: Whether it learns from the goals of a task, and not from its dense reward.
        values: Name to value of each hyperparameter, and where the value comes from.
    """

    policy: str
    label: str
    needs_goal: bool
    values: dict[str, tuple[float | int | str, str]]

    @property
    def recipe(self) -> dict[str, float | int | str]:
        """Name to value of each hyperparameter."""
        return {name: value for name, (value, _) in self.values.items()}


ALGORITHMS = {
    "sac_her": Algorithm(
        policy="sb3-sac-her",
        label="SAC + HER",
        needs_goal=True,
        values={
            "learning_rate": (1e-3, ZOO),
            "gamma": (0.95, ZOO),
            "batch_size": (256, ZOO),
            "tau": (0.005, DEFAULT),
            "learning_starts": (2_000, f"{OURS}: longer than the first episodes of all rows"),
            "updates_per_step": (0.5, f"{OURS}: one update for two environment steps"),
            "width": (256, DEFAULT),
            "depth": (2, DEFAULT),
            "relabelled_goals": (4, f"{ZOO}: for each that was desired"),
            "imitation_weight": (300.0, f"{OURS}: with demonstrations; 10 was too small"),
            "clip_observations": (5.0, "Plappert et al. 2018, arXiv:1802.09464"),
        },
    ),
    "ppo": Algorithm(
        policy="sb3-ppo",
        label="PPO",
        needs_goal=False,
        values={
            "learning_rate": (3e-4, DEFAULT),
            "gamma": (0.99, DEFAULT),
            "rollout_steps": (2_000, f"{OURS}: 150 equal rollouts in the default budget"),
            "batch_size": (200, f"{OURS}: ten batches of a rollout"),
            "epochs": (10, DEFAULT),
            "gae_lambda": (0.95, DEFAULT),
            "clip_range": (0.2, DEFAULT),
            "entropy_coefficient": (0.0, DEFAULT),
            "log_std": (-1.0, f"{OURS}: actions are absolute targets; full noise throws objects"),
            "width": (256, ZOO_PPO),
            "depth": (2, ZOO_PPO),
            "clip_observations": (10.0, DEFAULT),
        },
    ),
}
