"""Compares what the content of a folder was made with and what would continue it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from envs.task_hash import HASH_KIND
from fmbench.config import ADDED, GROWING
from fmbench.errors import FmbenchError
from fmbench.storage.run_facts import RunFacts
from fmbench.storage.stamps import Stamp

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")

ACCEPT = "--accept-changes"


def check_hash_kind(folder: Path, facts: RunFacts, instead: str) -> None:
    """Reject a run with task hashes of an earlier kind, which match no present hash.

    Args:
        folder: The run's folder.
        facts: The facts in its `run.json`.
        instead: What else the user can do, for the message.

    Raises:
        FmbenchError: The hashes are of an earlier kind; the message states what to do.
    """
    if facts.hash_kind != HASH_KIND:
        raise FmbenchError(
            f"{folder} holds task hashes of an earlier kind, which match no task of this fmbench; "
            f"use the fmbench that made it (commit {facts.commit}), or {instead}"
        )


def differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return one line per difference between two dictionaries, with both values.

    A value that JSON leaves out is the default of a later field. Of a hash the start is shown.
    """
    later = {name: ADDED[name] for name in ADDED if name in there or name in now}
    there, now = {**later, **there}, {**later, **now}
    return [
        f"{name}: {_short(there.get(name))} there, {_short(now.get(name))} now"
        for name in sorted(set(there) | set(now))
        if there.get(name) != now.get(name)
    ]


def _short(value: Any) -> str:
    return _HASH.sub(r"\1...", str(value))


class Made(Protocol):
    """The facts of a folder that state what made its rows, as in `RunFacts`."""

    @property
    def made_with(self) -> Sequence[Stamp]:
        """All code and versions that made its rows, in order."""

    @property
    def commit(self) -> str:
        """The commit that started it."""


def check_code(
    out: Path, facts: Made, now: Stamp, accept_changes: bool, hint: str = ""
) -> list[str]:
    """Compare the code and packages of a run with the present ones; return what differs.

    Args:
        out: The folder.
        facts: What made its rows.
        now: The present code and packages.
        accept_changes: Whether they may differ.
        hint: What else the user can do, for the end of the message.

    Raises:
        FmbenchError: They differ, and that is not accepted.
    """
    if not facts.made_with:
        raise FmbenchError(
            f"{out} does not state the code that made it; use the fmbench that made it (commit "
            f"{facts.commit}), or give another --out"
        )
    changed = facts.made_with[-1].differences(now)
    if not changed or any(not stamp.differences(now) for stamp in facts.made_with):
        return []
    if not accept_changes:
        raise FmbenchError(
            f"{out} was made with other code ({'; '.join(changed)}); use that (commit "
            f"{facts.made_with[-1].commit}), give another --out, or give {ACCEPT}, which marks "
            f"rows, tables and figures as made with several versions{hint}"
        )
    return changed


def compared(
    there: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Compare the identity of a run with the present one, of which some may have become more.

    Returns:
        What is more now, and what differs otherwise, one line each.
    """
    growth: list[str] = []
    mismatches: list[str] = []
    for group, values in now.items():
        before = there.get(group, {})
        if group in (
            "task_hashes",
            "teachers",
            "sights",
            "outside",
        ):  # of tasks and seeds that may become more
            before, values = ({k: side.get(k) for k in before} for side in (before, values))
        for line in differences(before, values):
            name = line.partition(":")[0]
            is_more = group == "config" and name in GROWING
            is_first = name in ADDED and name not in before  # all rows are those of its default
            is_more = is_more and (is_first or _contains(values.get(name), before.get(name)))
            (growth if is_more else mismatches).append(line)
    return growth, mismatches


def _contains(more: object, less: object) -> bool:
    """Return whether a list holds all of another one, or a number is larger."""
    if isinstance(more, Sequence) and isinstance(less, Sequence):
        return set(less) < set(more)
    return isinstance(more, int) and isinstance(less, int) and more > less
