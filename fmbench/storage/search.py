"""The folder of a search for a recipe: what is searched, and a row per trial, task and policy."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fmbench.storage.accepted import Amount, Count, Plain, Positive, Sha256, Within
from fmbench.storage.files import write_json_atomic
from fmbench.storage.rows import Row
from fmbench.storage.run_facts import Choice, Plugin
from fmbench.storage.sealed_json import read_sealed, with_seal
from fmbench.storage.stamps import Stamp
from fmbench.storage.typed import STRICT, parse

SEARCH_FILE = "search.json"
SCHEMA = 1
SEAL = "search_sha256"
"""Hash of everything else in the file."""


@dataclasses.dataclass(frozen=True)
class TrialRow(Row):
    """One policy on one task, trained by the recipe of one trial and scored on validation seeds."""

    file_name: ClassVar[str] = "trials.csv"
    key: ClassVar[tuple[str, ...]] = ("trial", "task", "policy")

    trial: Count
    """From 0, which is the recipe that the search began with."""
    task: str
    policy: str
    learning_rate: Annotated[float, Within(0)]
    warmup_updates: Count
    weight_decay: Amount
    ema_decay: Annotated[float, Within(0, 1)]
    depth: Positive
    width: Positive
    conditioning: str
    parameters: Count
    successes: Count
    episodes: Positive
    """Over all training seeds."""
    seconds: Amount
    """Training and episodes, of all training seeds."""
    error: str
    """What a training or an episode failed with, the first one; empty if none did."""

    @property
    def contradiction(self) -> str:
        """Which of its values cannot occur together; empty if all can."""
        if self.successes > self.episodes:
            return f"successes is {self.successes}, episodes is {self.episodes}"
        return ""


@dataclasses.dataclass(frozen=True)
class SearchFacts:
    """The content of `search.json`.

    Attributes:
        schema: Version of the file.
        search: What decides the trials beside the configuration: seed, trials at once, space.
        config: The configuration of a run by the recipe that the search began with.
        task_hashes: Task to its hash.
        hash_kind: How the hashes were computed.
        demonstrations: Task to the hash of its demonstrations; empty until they are known.
        command: The command line.
        commit: The commit of the source.
        versions: Package to its version.
        made_with: All code and versions that made its rows, in order; the first started it.
        machine: System, processor, number of cores.
        plugins: What of it a user's files have registered.
        trials: Number of trials that were asked for.
        complete: Whether there are as many.
        data: Folder of these demonstrations, as given; empty for the default one.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    schema: Annotated[int, Within(SCHEMA, SCHEMA)]
    search: Mapping[str, Plain]
    config: Mapping[str, Plain]
    task_hashes: Mapping[str, Sha256]
    hash_kind: Positive
    demonstrations: Mapping[str, Sha256]
    command: str
    commit: str
    versions: Mapping[str, str]
    made_with: tuple[Stamp, ...]
    machine: Mapping[str, Plain]
    plugins: tuple[Plugin, ...]
    trials: Positive
    complete: bool = False
    data: str = ""

    @property
    def choice(self) -> Choice:
        """What of the configuration decides which rows there are."""
        return parse(Choice, self.config, SEARCH_FILE)

    @property
    def identity(self) -> dict[str, Any]:
        """The values that another search would not share, by name."""
        # without paths: a file that has moved does not differ
        plugins = {f"{p.kind} {p.name}": sorted(p.hashes.values()) for p in self.plugins}
        values = {**self.search, **self.config, **self.task_hashes, **plugins}
        return {**values, "hash_kind": self.hash_kind}


def read_search_facts(folder: Path) -> SearchFacts:
    """Read the `search.json` of a folder.

    Raises:
        FmbenchError: The file is missing or malformed, or was changed after it was written.
    """
    path = folder / SEARCH_FILE
    return parse(SearchFacts, read_sealed(path, SEAL, "search again in another folder"), path)


def write_search_facts(folder: Path, facts: SearchFacts) -> None:
    """Write the `search.json` of a folder, with its hash, atomically."""
    values = json.loads(json.dumps(dataclasses.asdict(facts)))  # tuples as lists
    write_json_atomic(folder / SEARCH_FILE, with_seal(values, SEAL))


def by_trial(rows: Sequence[TrialRow]) -> dict[int, list[TrialRow]]:
    """Return the rows of each trial."""
    trials: dict[int, list[TrialRow]] = {}
    for row in rows:
        trials.setdefault(row.trial, []).append(row)
    return trials


def score(rows: Sequence[TrialRow]) -> float:
    """Return the mean success of a trial over its tasks and policies."""
    # exact: a plain sum depends on the order, and on the version of Python
    return math.fsum(row.successes / row.episodes for row in rows) / len(rows)


def rank(rows: Sequence[TrialRow]) -> tuple[bool, float]:
    """Return the sort key of a trial: better ones are smaller.

    A trial in which anything failed comes after all others; then the score decides.
    """
    return any(row.error for row in rows), -score(rows)
