"""The folder of a run: its paths, its creation, and checks before it is resumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.task_hash import HASH_KIND
from fmbench.cli.progress import Reporter
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.report.looks import record_looks
from fmbench.runs.run_plugins import check_plugins, used_plugins
from fmbench.storage.files import read_json
from fmbench.storage.provenance import commit, machine, versions
from fmbench.storage.run_facts import RUN_FILE, RunFacts, write_run_facts


def checkpoint_folder(run: Path, task: str, policy: str, train_seed: int) -> Path:
    """Return the folder of the checkpoint of one trained policy."""
    return run / "checkpoints" / f"{task}-{policy}-seed{train_seed}"


def start_facts(config: RunConfig, task_hashes: Mapping[str, str], command: str) -> RunFacts:
    """Return the facts for the `run.json` of a run that starts now."""
    return RunFacts(
        preset=config.preset,
        policies=record_looks(config.policy),
        plugins=used_plugins(config.to_json()),
        config=config.to_json(),
        task_hashes=task_hashes,
        hash_kind=HASH_KIND,
        command=command,
        commit=commit(),
        versions=versions(),
        machine=machine(),
    )


def open_run_folder(out: Path, new: RunFacts, writer: str, reporter: Reporter) -> RunFacts:
    """Create a run folder, or resume the existing one.

    Args:
        out: The folder.
        new: Facts for the `run.json` of a new run.
        writer: The module that writes such folders, for messages.
        reporter: Reports that a run is resumed.

    Returns:
        The facts in `run.json`.

    Raises:
        FmbenchError: `out` holds another run, one with hashes of an earlier kind, or other files.
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
    facts = RunFacts.from_json(values, path)
    check_hash_kind(out, facts, "give another --out")
    check_plugins(out, facts, new.config, "give another --out")
    if mismatches := _mismatches(values, new.identity):
        raise FmbenchError(f"{out} holds another run ({'; '.join(mismatches)}); give another --out")
    reporter.say(f"{out} is complete" if facts.complete else f"Resuming {out}")
    return facts


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
    """Return one line per difference between two dictionaries, with both values."""
    return [
        f"{name}: {there.get(name)} there, {now.get(name)} now"
        for name in sorted(set(there) | set(now))
        if there.get(name) != now.get(name)
    ]


def _mismatches(there: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the differences between the groups of `now` and the groups of these names `there`."""
    return [line for name, group in now.items() for line in differences(there[name], group)]
