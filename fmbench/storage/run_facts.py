"""The content of `run.json`: a run's configuration, provenance and state, checked when read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from fmbench.errors import FmbenchError, shown
from fmbench.storage.accepted import (
    MAX_INT,
    Amount,
    Colour,
    Count,
    Duration,
    Kind,
    Plain,
    Positive,
    Sha256,
    Within,
)
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.sealed_json import is_intact, with_seal
from fmbench.storage.stamps import Stamp
from fmbench.storage.typed import STRICT, parse

RUN_FILE = "run.json"
SCHEMA = 2
"""Of files that state one; those of earlier versions do not. From 2 on they are sealed."""
SEAL = "run_sha256"
"""Hash of everything else in the file."""


@dataclasses.dataclass(frozen=True)
class MadeDemonstrations:
    """How the demonstrations of one task were made.

    Attributes:
        episodes: Successful episodes, which were stored.
        attempted: Episodes of the expert; None if that is not known.
        failed: Failed episodes of the expert; None likewise.
        sha256: Hash of the data file.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    episodes: Count
    attempted: Count | None
    failed: Count | None
    sha256: Sha256


@dataclasses.dataclass(frozen=True)
class Plugin:
    """A task, policy, backbone, encoder or axis of a run that a user's file has registered.

    Attributes:
        kind: "task", "policy", "backbone", "encoder" or "axis".
        name: Its name.
        file: The file that registers it, relative to the working directory if below it.
        sha256: Hash of the file's bytes.
        others: Other files of its class and base classes, each with the hash of its bytes.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    kind: Kind
    name: str
    file: str
    sha256: str
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """Every file with the hash of its bytes, the one that registers it first."""
        return {self.file: self.sha256, **self.others}


@dataclasses.dataclass(frozen=True)
class Look:
    """How one policy is shown; see `policies.catalogue.PolicyEntry`."""

    __pydantic_config__: ClassVar[Any] = STRICT

    label: str
    colour: Colour
    place: Annotated[int, Within(-MAX_INT, MAX_INT)]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What of a configuration decides which rows there are; None where it is not known.

    Attributes:
        task: Tasks.
        policy: Policies, without expert and random.
        seeds: Training seeds.
        episodes: Episodes of each cell.
        demos: Demonstrations; 0 for a policy that learnt from none.
        backbone: Name of the network.
        preset: Name of the preset.
        device: Name of the device.
        test_block: Block of test seeds.
    """

    __pydantic_config__: ClassVar[Any] = {**STRICT, "extra": "ignore"}

    task: list[str] | None = None
    policy: list[str] | None = None
    seeds: Positive | None = None
    episodes: Positive | None = None
    demos: Count | None = None
    backbone: str | None = None
    preset: str | None = None
    device: str | None = None
    test_block: Annotated[int, Within(1, 2)] = 1


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The content of `run.json`; empty or None if unknown or not applicable.

    Attributes:
        schema: Version of the file; None for those before there were versions.
        preset: The preset of the configuration.
        policies: Name of each policy to the values of its `Look`.
        rescores: The run that was scored again and the sampler; None for other runs.
        config: The configuration, as `RunConfig.to_json` wrote it.
        task_hashes: Task to its hash.
        hash_kind: How the hashes were computed; None for the first kind.
        teachers: Name of each teacher to the hash of its weights.
        sights: Task to what its policies see with, in one line; None if they observe states.
        given: Task to the hash of demonstrations that the user gave; None if fmbench made them.
        outside: What identifies a policy that was trained elsewhere; None for other runs.
        command: The command line.
        commit: The commit of the source.
        versions: Package to its version.
        made_with: All code and versions that made its rows, in order; the first started it.
        machine: System, processor, number of cores.
        demonstrations: Task to how its demonstrations were made.
        control_periods: Task to the duration of its control step [s]; None unless the run has
            delays or executions.
        planned_cells: Number of cells that the run evaluates.
        complete: Whether the run has finished.
        seconds: Duration of the process that finished it [s].
        plugins: What of it a user's files have registered.
        sha256: File of rows to the hash of its text, of a finished run.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    schema: Annotated[int, Within(1, SCHEMA)] | None = None
    preset: str = ""
    policies: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rescores: Mapping[str, Plain] | None = None
    config: Mapping[str, Plain] = dataclasses.field(default_factory=dict)
    task_hashes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hash_kind: Positive | None = None
    teachers: Mapping[str, str] | None = None
    sights: Mapping[str, str] | None = None
    given: Mapping[str, Sha256] | None = None
    outside: Mapping[str, Plain] | None = None
    command: str = ""
    commit: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    made_with: tuple[Stamp, ...] = ()
    machine: Mapping[str, Plain] = dataclasses.field(default_factory=dict)
    demonstrations: Mapping[str, MadeDemonstrations] | None = None
    control_periods: Mapping[str, Duration] | None = None
    planned_cells: Positive | None = None
    complete: bool = False
    seconds: Amount | None = None
    plugins: tuple[Plugin, ...] = ()
    sha256: Mapping[str, Sha256] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values, without None."""
        values = json.loads(json.dumps(dataclasses.asdict(self)))  # tuples as lists
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: Path) -> Self:
        """Build the facts that `to_json` gave; missing and null values are unknown.

        Args:
            values: JSON values; names that this class lacks are ignored in files of earlier
                versions, which state no schema.
            where: Their file, for messages.

        Raises:
            FmbenchError: A value does not have the type or range that `to_json` writes, or a later
                fmbench wrote the file.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        schema = values.get("schema")
        if type(schema) is int and schema > SCHEMA:
            raise FmbenchError(
                f"{where}: schema is {schema}; this fmbench reads up to {SCHEMA}: use the one "
                "that made it"
            )
        stated = {name: value for name, value in values.items() if value is not None}
        if schema is None:
            stated = {name: value for name, value in stated.items() if name in known}
        facts = parse(cls, stated, where)
        for name, look in facts.policies.items():
            read_look(name, look, where)
        parse(Choice, facts.config, f"{where}: config")
        if facts.hash_kind is not None:
            parse(_TaskHashes, {"task_hashes": facts.task_hashes}, where)
        return facts

    @property
    def choice(self) -> Choice:
        """What of the configuration decides which rows there are."""
        return parse(Choice, self.config, RUN_FILE)

    @property
    def identity(self) -> dict[str, Mapping[str, Any]]:
        """The values that identify this run, in named groups."""
        groups: dict[str, Mapping[str, Any]] = {}
        if self.rescores is not None:
            groups["rescores"] = self.rescores
        groups |= {"config": self.config, "task_hashes": self.task_hashes}
        if self.teachers and self.config.get("from_run") is not None:
            groups["teachers"] = self.teachers
        if self.sights:
            groups["sights"] = self.sights
        if self.given:
            groups["given"] = self.given
        if self.outside is not None:
            groups["outside"] = self.outside
        return groups


@dataclasses.dataclass(frozen=True)
class _TaskHashes:
    """The hashes of tasks, of every kind but the first."""

    __pydantic_config__: ClassVar[Any] = STRICT

    task_hashes: Mapping[str, Sha256]


def read_look(policy: str, values: object, where: Path | str = RUN_FILE) -> Look:
    """Return the recorded look of a policy.

    Raises:
        FmbenchError: It is malformed.
    """
    return parse(Look, values, f"{where}: the look of {shown(policy)}")


def read_run_facts(folder: Path) -> RunFacts:
    """Read the `run.json` of a folder.

    Raises:
        FmbenchError: The file is missing or malformed, or was changed after it was written.
    """
    path = folder / RUN_FILE
    values = read_json(path)
    schema = values.get("schema")
    if SEAL in values or (type(schema) is int and schema == SCHEMA):
        if not is_intact(values, SEAL):
            raise FmbenchError(
                f"{path} was changed after it was written (its {SEAL} differs); restore it, or "
                "run again in another folder"
            )
        del values[SEAL]
    return RunFacts.from_json(values, path)


def write_run_facts(folder: Path, facts: RunFacts) -> None:
    """Write the `run.json` of a folder, with its hash, atomically."""
    write_json_atomic(folder / RUN_FILE, with_seal(facts.to_json(), SEAL))
