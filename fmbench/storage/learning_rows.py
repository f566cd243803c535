"""Rows of how an agent was doing while it learnt from its own steps."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fmbench.storage.accepted import Count, Finite, Share
from fmbench.storage.rows import Row


@dataclasses.dataclass(frozen=True)
class LearningRow(Row):
    """One logged point of the training of one agent."""

    file_name: ClassVar[str] = "learning.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "train_seed", "environment_steps")

    task: str
    policy: str
    train_seed: Count
    environment_steps: Count
    success: Share
    """Share of the last episodes, at most 100, that succeeded; exploration included."""
    episode_return: Finite
    """Their mean return, in the rewards from which it learns."""
