"""The folder of a run: where its files lie, how it is begun, and how it is taken up again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.task_hash import HASH_KIND
from fmbench.cli.progress import Reporter
from fmbench.errors import FmbenchError
from fmbench.report.looks import RECORD, record_looks
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.provenance import commit, machine, versions

RUN_FILE = "run.json"


def checkpoint_folder(run: Path, task: str, policy: str, train_seed: int) -> Path:
    """Return where a run keeps the checkpoint of one trained policy."""
    return run / "checkpoints" / f"{task}-{policy}-seed{train_seed}"


def start_facts(preset: str, command: str, policies: Sequence[str]) -> dict[str, Any]:
    """Return what `run.json` says of what begins a run: command, commit, versions, machine, looks.

    Args:
        preset: The preset.
        command: The command line.
        policies: Those of the run: how each is shown is kept, so that the run can be redrawn where
            a user's policy is not installed.
    """
    return {
        "preset": preset,
        RECORD: record_looks(policies),
        "command": command,
        "hash_kind": HASH_KIND,
        "commit": commit(),
        "versions": versions(),
        "machine": machine(),
    }


def open_run_folder(
    out: Path,
    identity: dict[str, dict[str, Any]],
    facts: dict[str, Any],
    writer: str,
    reporter: Reporter,
) -> dict[str, Any]:
    """Begin a run folder, or take up the one that is there.

    Args:
        out: The folder.
        identity: What makes it this run and no other.
        facts: What else `run.json` says of a new run.
        writer: The module that writes such folders, for messages.
        reporter: Is told that a run is taken up.

    Returns:
        What `run.json` says, "complete" included.

    Raises:
        FmbenchError: `out` holds another run, one whose hashes are of an earlier kind, or
            something else.
    """
    path = out / RUN_FILE
    new = {"preset": facts["preset"], **identity, **facts, "complete": False}
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise FmbenchError(f"{out} is not empty and holds no run; give another --out")
        write_json_atomic(path, new)
        return new
    found = read_json(path)
    groups = [name for name, value in new.items() if isinstance(value, dict)]
    if not all(isinstance(found.get(name), dict) for name in groups):
        raise FmbenchError(f"{path} was not written by {writer}; give another --out")
    check_hash_kind(out, found, "give another --out")
    if changed := _changes(found, identity):
        raise FmbenchError(f"{out} holds another run ({'; '.join(changed)}); give another --out")
    done = found.setdefault("complete", False)
    reporter.say(f"{out} is complete" if done else f"Resuming {out}")
    return found


def check_hash_kind(folder: Path, facts: Mapping[str, Any], instead: str) -> None:
    """Refuse a run that knows its tasks by hashes of an earlier kind, equal to none of today's.

    Args:
        folder: The run's folder.
        facts: What its `run.json` says.
        instead: What else the user may do, for the message.

    Raises:
        FmbenchError: Says what to do.
    """
    if facts.get("hash_kind") != HASH_KIND:
        raise FmbenchError(
            f"{folder} holds task hashes of an earlier kind, which match no task of this fmbench: "
            f"use the fmbench that made it (commit {facts.get('commit')}), or {instead}"
        )


def differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two dictionaries, with both values."""
    return [
        f"{name}: {there.get(name)} there, {now.get(name)} now"
        for name in sorted(set(there) | set(now))
        if there.get(name) != now.get(name)
    ]


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Name what differs between two dictionaries of dictionaries."""
    found = []
    for group, now in new.items():
        found += differences(old[group], now)
    return found
