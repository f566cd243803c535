"""Row type of the table of settings."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fmbench.storage.rows import Row


@dataclasses.dataclass(frozen=True)
class SettingRow(Row):
    """One task, setting and policy with its headline sampler, over all training seeds."""

    file_name: ClassVar[str] = "settings.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "setting", "policy")

    task: str
    setting: str
    """Empty for the expert and for random actions."""
    policy: str
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    seed_rates: str
