"""The facts in the manifest of demonstrations, checked: their types, and that they fit the task."""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.harness.seeds import DEMONSTRATION
from fmbench.storage.artefacts import MANIFEST

MAX_TEXT = 200


@dataclass(frozen=True)
class DemonstrationFacts:
    """What the manifest says of demonstrations.

    Attributes:
        task: Id of the task.
        task_hash: Hash of the task.
        hash_kind: How the hash was computed.
        episodes: Number of stored episodes.
        noise: Scale of the command noise.
        steps: Control steps of all episodes together.
        attempted: Episodes of the expert.
        failed: Failed episodes of the expert.
        versions: Version of each package that simulated or wrote.
        episode_seeds: Seed of each episode.
        modes: Name of each episode's mode, or "".
        sha256: Hash of each file, by its path in the folder.
    """

    task: str
    task_hash: str
    hash_kind: int
    episodes: int
    noise: float
    steps: int
    attempted: int
    failed: int
    versions: dict[str, str]
    episode_seeds: list[int]
    modes: list[str]
    sha256: dict[str, str]

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """Take the facts from a manifest; what else it holds decides nothing.

        Args:
            values: The manifest.
            folder: Its folder, for messages.

        Raises:
            FmbenchError: A fact is missing or of another type.
        """
        names = [field.name for field in fields(cls)]
        for name in names:
            is_right, accepted = ACCEPTED[name]
            if name not in values:
                raise FmbenchError(f"{folder / MANIFEST} lacks {name!r}; delete {folder}")
            if not is_right(values[name]):
                raise FmbenchError(
                    f"{folder / MANIFEST}: {name} is {reprlib.repr(values[name])}; fmbench writes "
                    f"{accepted}; delete {folder}"
                )
        return cls(**{name: values[name] for name in names})

    def check(self, task: Task, folder: Path) -> None:
        """Check that the facts agree with each other and with their task.

        Raises:
            FmbenchError: They do not.
        """
        seeds = (DEMONSTRATION - 1, *self.episode_seeds, DEMONSTRATION + self.attempted)
        agreement = {
            "episodes": self.episodes == self.attempted - self.failed > 0,
            "steps": self.episodes <= self.steps <= self.episodes * task.horizon,
            "episode_seeds": len(self.episode_seeds) == self.episodes
            and all(one < other for one, other in pairwise(seeds)),
            "modes": len(self.modes) == self.episodes and {*self.modes} <= {"", *task.modes},
        }
        for name, agrees in agreement.items():
            if not agrees:
                raise FmbenchError(
                    f"{folder / MANIFEST}: {name} is {reprlib.repr(getattr(self, name))}, which "
                    f"does not fit its other facts or {task.id}; delete {folder}"
                )


Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_noise(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _is_list_of(is_item: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(is_item, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))


_TEXT = (_is_text, "a short text")
_COUNT = (_is_count, "a whole number of at least 0")
ACCEPTED: dict[str, tuple[Check, str]] = {
    "task": _TEXT,
    "task_hash": _TEXT,
    "hash_kind": _COUNT,
    "episodes": _COUNT,
    "noise": (_is_noise, "a number of at least 0"),
    "steps": _COUNT,
    "attempted": _COUNT,
    "failed": _COUNT,
    "versions": (_is_table, "texts by name"),
    "episode_seeds": (_is_list_of(_is_count), "a list of whole numbers"),
    "modes": (_is_list_of(_is_text), "a list of short texts"),
    "sha256": (_is_table, "texts by name"),
}
"""Fact to whether a JSON value can be it, and to what fmbench writes."""
