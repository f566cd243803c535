"""The content of `run.json`: a run's configuration, provenance and state."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from fmbench.errors import FmbenchError
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.stamps import Stamp
from fmbench.storage.typed import parse

RUN_FILE = "run.json"
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "policies": (dict,),
    "rescores": (dict,),
    "config": (dict,),
    "task_hashes": (dict,),
    "hash_kind": (int,),
    "teachers": (dict,),
    "versions": (dict,),
    "made_with": (list,),
    "machine": (dict,),
    "demonstrations": (dict,),
    "planned_cells": (int,),
    "complete": (bool,),
    "seconds": (int, float),
    "plugins": (list,),
}
"""Fact to its types in JSON; all others are text."""


@dataclasses.dataclass(frozen=True)
class MadeDemonstrations:
    """How the demonstrations of one task were made.

    Attributes:
        episodes: Successful episodes, which were stored.
        attempted: Episodes of the expert.
        failed: Failed episodes of the expert.
        sha256: Hash of the data file.
    """

    episodes: int
    attempted: int
    failed: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Plugin:
    """A task, policy or backbone of a run that a user's file has registered.

    Attributes:
        kind: "task", "policy" or "backbone".
        name: Its name.
        file: The file that registers it, relative to the working directory if below it.
        sha256: Hash of the file's bytes.
        others: Other files of its class and base classes, each with the hash of its bytes.
    """

    kind: str
    name: str
    file: str
    sha256: str
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """Every file with the hash of its bytes, the one that registers it first."""
        return {self.file: self.sha256, **self.others}

    @classmethod
    def from_json(cls, values: object, where: Path) -> Self:
        """Build what `dataclasses.asdict` made.

        Raises:
            FmbenchError: The values are something else.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if isinstance(values, dict) and list(values) == names:
            *texts, others = values.values()
            if isinstance(others, dict) and all(
                isinstance(text, str) for text in (*texts, *others.values())
            ):
                return cls(**values)
        raise FmbenchError(f"{where}: plugins has {values!r}; fmbench writes {', '.join(names)}")


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The content of `run.json`; empty or None if unknown or not applicable.

    Attributes:
        preset: The preset of the configuration.
        policies: Name of each policy to its label, colour and place.
        rescores: The run that was scored again and the sampler; None for other runs.
        config: The configuration, as `RunConfig.to_json` wrote it.
        task_hashes: Task to its hash.
        hash_kind: How the hashes were computed; None for the first kind.
        teachers: Name of each teacher to the hash of its weights.
        command: The command line.
        commit: The commit of the source.
        versions: Package to its version.
        made_with: All code and versions that made its rows, in order; the first started it.
        machine: System, processor, number of cores.
        demonstrations: Task to how its demonstrations were made.
        planned_cells: Number of cells that the run evaluates.
        complete: Whether the run has finished.
        seconds: Duration of the process that finished it [s].
        plugins: What of it a user's files have registered.
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
    made_with: Sequence[Stamp] = ()
    machine: Mapping[str, str | int] = dataclasses.field(default_factory=dict)
    demonstrations: Mapping[str, MadeDemonstrations] | None = None
    planned_cells: int | None = None
    complete: bool = False
    seconds: float | None = None
    plugins: tuple[Plugin, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values, without None."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: Path) -> Self:
        """Build the facts that `to_json` wrote; missing and null values are unknown.

        Args:
            values: JSON values; unknown names are ignored.
            where: Their file, for messages.

        Raises:
            FmbenchError: A value does not have the type that `to_json` writes.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        facts = {name: v for name, v in values.items() if name in known and v is not None}
        for name, value in facts.items():
            if not isinstance(value, types := JSON_TYPES.get(name, (str,))):
                accepted = " or ".join(t.__name__ for t in types)
                raise FmbenchError(f"{where}: {name} is {value!r}; fmbench writes {accepted}")
        facts["made_with"] = tuple(parse(Stamp, v, where) for v in facts.get("made_with", ()))
        if "plugins" in facts:
            facts["plugins"] = tuple(Plugin.from_json(v, where) for v in facts["plugins"])
        if (made := facts.pop("demonstrations", None)) is None:
            return cls(**facts)
        try:
            by_task = {task: MadeDemonstrations(**counts) for task, counts in made.items()}
        except TypeError:
            fields = [field.name for field in dataclasses.fields(MadeDemonstrations)]
            raise FmbenchError(
                f"{where}: demonstrations is {made!r}; fmbench writes {', '.join(fields)} per task"
            ) from None
        return cls(**facts, demonstrations=by_task)

    @property
    def identity(self) -> dict[str, Mapping[str, Any]]:
        """The values that identify this run, in named groups."""
        groups: dict[str, Mapping[str, Any]] = {}
        if self.rescores is not None:
            groups["rescores"] = self.rescores
        groups |= {"config": self.config, "task_hashes": self.task_hashes}
        if self.teachers and self.config.get("from_run") is not None:
            groups["teachers"] = self.teachers
        return groups


def read_run_facts(folder: Path) -> RunFacts:
    """Read the `run.json` of a folder.

    Raises:
        FmbenchError: The file is missing or malformed.
    """
    path = folder / RUN_FILE
    return RunFacts.from_json(read_json(path), path)


def write_run_facts(folder: Path, facts: RunFacts) -> None:
    """Write the `run.json` of a folder, atomically."""
    write_json_atomic(folder / RUN_FILE, facts.to_json())
