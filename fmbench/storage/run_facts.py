"""What `run.json` says of a run: its configuration, what produced it, whether it is complete."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from fmbench.errors import FmbenchError
from fmbench.storage.files import read_json, write_json_atomic

RUN_FILE = "run.json"
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "policies": (dict,),
    "rescores": (dict,),
    "config": (dict,),
    "task_hashes": (dict,),
    "hash_kind": (int,),
    "teachers": (dict,),
    "versions": (dict,),
    "machine": (dict,),
    "demonstrations": (dict,),
    "complete": (bool,),
    "seconds": (int, float),
}
"""Fact to its types in JSON; the others are text."""


@dataclasses.dataclass(frozen=True)
class MadeDemonstrations:
    """How the demonstrations of one task were made.

    Attributes:
        episodes: Successful episodes that were kept.
        attempted: Episodes of the expert.
        failed: Those that failed.
        sha256: Hash of the data file.
    """

    episodes: int
    attempted: int
    failed: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The content of `run.json`; what is empty or None is not known, or not there.

    Attributes:
        preset: The preset that the configuration started from.
        policies: Name of each policy to its label, colour and place.
        rescores: What was scored again, and with which sampler; None for a run of its own.
        config: The configuration, as `RunConfig.to_json` wrote it.
        task_hashes: Task to its hash.
        hash_kind: How the hashes were taken; None is the kind of before this was told.
        teachers: Name of each policy that taught another to the hash of its weights.
        command: The command line.
        commit: The commit of the source.
        versions: Package to its version.
        machine: System, processor, number of cores.
        demonstrations: Task to how its demonstrations were made.
        complete: Whether everything is done.
        seconds: What the process that completed it took [s].
    """

    preset: str = ""
    policies: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rescores: Mapping[str, Any] | None = None
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    task_hashes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hash_kind: int | None = None
    teachers: Mapping[str, str] | None = None
    command: str = ""
    commit: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    machine: Mapping[str, str | int] = dataclasses.field(default_factory=dict)
    demonstrations: Mapping[str, MadeDemonstrations] | None = None
    complete: bool = False
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values, without those that are None."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: Path) -> Self:
        """Build the facts that `to_json` wrote; what is missing or null is not known.

        Args:
            values: JSON values. Names that are unknown here are left out.
            where: The file that they come from, for messages.

        Raises:
            FmbenchError: A value has another type than `to_json` gives it; names it.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        facts = {name: v for name, v in values.items() if name in known and v is not None}
        for name, value in facts.items():
            if not isinstance(value, JSON_TYPES.get(name, (str,))):
                raise FmbenchError(f"{where}: {name} is {value!r}, which fmbench never wrote")
        if (made := facts.pop("demonstrations", None)) is None:
            return cls(**facts)
        try:
            by_task = {task: MadeDemonstrations(**how) for task, how in made.items()}
        except TypeError:
            raise FmbenchError(
                f"{where}: demonstrations is {made!r}, which fmbench never wrote"
            ) from None
        return cls(**facts, demonstrations=by_task)

    @property
    def identity(self) -> dict[str, Mapping[str, Any]]:
        """What makes this run itself and no other: groups of values, by name."""
        groups: dict[str, Mapping[str, Any]] = {}
        if self.rescores is not None:
            groups["rescores"] = self.rescores
        groups |= {"config": self.config, "task_hashes": self.task_hashes}
        if self.teachers and self.config.get("from_run") is not None:
            groups["teachers"] = self.teachers
        return groups


def read_run_facts(folder: Path) -> RunFacts:
    """Read what the `run.json` of a folder says.

    Raises:
        FmbenchError: It is missing, or no such file.
    """
    path = folder / RUN_FILE
    return RunFacts.from_json(read_json(path), path)


def write_run_facts(folder: Path, facts: RunFacts) -> None:
    """Write the `run.json` of a folder, whole or not at all."""
    write_json_atomic(folder / RUN_FILE, facts.to_json())
