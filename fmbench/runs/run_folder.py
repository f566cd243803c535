"""The folder of a run: where its files lie, how it is begun, and how it is taken up again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.task_hash import HASH_KIND
from fmbench.cli.progress import Reporter
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.report.looks import record_looks
from fmbench.storage.files import read_json
from fmbench.storage.provenance import commit, machine, versions
from fmbench.storage.run_facts import RUN_FILE, RunFacts, write_run_facts


def checkpoint_folder(run: Path, task: str, policy: str, train_seed: int) -> Path:
    """Return where a run keeps the checkpoint of one trained policy."""
    return run / "checkpoints" / f"{task}-{policy}-seed{train_seed}"


def start_facts(config: RunConfig, task_hashes: Mapping[str, str], command: str) -> RunFacts:
    """Return what `run.json` says of every run that begins here and now."""
    return RunFacts(
        preset=config.preset,
        policies=record_looks(config.policy),
        config=config.to_json(),
        task_hashes=task_hashes,
        hash_kind=HASH_KIND,
        command=command,
        commit=commit(),
        versions=versions(),
        machine=machine(),
    )


def open_run_folder(out: Path, new: RunFacts, writer: str, reporter: Reporter) -> RunFacts:
    """Begin a run folder, or take up the one that is there.

    Args:
        out: The folder.
        new: What `run.json` says of a new run.
        writer: The module that writes such folders, for messages.
        reporter: Is told that a run is taken up.

    Returns:
        What `run.json` says.

    Raises:
        FmbenchError: `out` holds another run, one whose hashes are of an earlier kind, or
            something else.
    """
    path = out / RUN_FILE
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise FmbenchError(f"{out} is not empty and holds no run; give another --out")
        write_run_facts(out, new)
        return new
    values = read_json(path)
    groups = [*new.identity, *(["demonstrations"] if new.demonstrations is not None else [])]
    if not all(isinstance(values.get(name), dict) for name in groups):
        raise FmbenchError(f"{path} was not written by {writer}; give another --out")
    found = RunFacts.from_json(values, path)
    check_hash_kind(out, found, "give another --out")
    if changed := _changes(values, new.identity):
        raise FmbenchError(f"{out} holds another run ({'; '.join(changed)}); give another --out")
    reporter.say(f"{out} is complete" if found.complete else f"Resuming {out}")
    return found


def check_hash_kind(folder: Path, facts: RunFacts, instead: str) -> None:
    """Refuse a run that knows its tasks by hashes of an earlier kind, equal to none of today's.

    Args:
        folder: The run's folder.
        facts: What its `run.json` says.
        instead: What else the user may do, for the message.

    Raises:
        FmbenchError: Says what to do.
    """
    if facts.hash_kind != HASH_KIND:
        raise FmbenchError(
            f"{folder} holds task hashes of an earlier kind, which match no task of this fmbench: "
            f"use the fmbench that made it (commit {facts.commit}), or {instead}"
        )


def differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two dictionaries, with both values."""
    return [
        f"{name}: {there.get(name)} there, {now.get(name)} now"
        for name in sorted(set(there) | set(now))
        if there.get(name) != now.get(name)
    ]


def _changes(there: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Name what differs between the groups of `now` and those of the same names `there`."""
    return [line for name, group in now.items() for line in differences(there[name], group)]
