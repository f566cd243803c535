"""The folder of a run: its paths, its creation, and checks before it is resumed or extended."""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from envs.task_hash import HASH_KIND
from fmbench.cli.progress import Reporter
from fmbench.config import ADDED, GROWING, RunConfig
from fmbench.errors import FmbenchError
from fmbench.report.looks import record_looks
from fmbench.runs.control_periods import control_periods
from fmbench.runs.run_plugins import check_plugins, used_plugins
from fmbench.storage.disk import needs_space
from fmbench.storage.leftovers import is_leftover, recover
from fmbench.storage.links import check_links_inside
from fmbench.storage.locks import holder_file, lock_inside, locked
from fmbench.storage.provenance import commit, machine, versions
from fmbench.storage.run_facts import RUN_FILE, SCHEMA, RunFacts, read_run_facts, write_run_facts
from fmbench.storage.stamps import Stamp, present_stamp, with_stamp

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")

ACCEPT = "--accept-changes"
FIGURES_FOLDER = "figures"
CHECKPOINTS = "checkpoints"


def checkpoint_folder(run: Path, task: str, policy: str, train_seed: int) -> Path:
    """Return the folder of the checkpoint of one trained policy."""
    return run / CHECKPOINTS / f"{task}-{policy}-seed{train_seed}"


def contact_sheet_file(run: Path, task: str, policy: str) -> Path:
    """Return the file with frames of one policy."""
    return run / FIGURES_FOLDER / f"contact_sheet_{task}_{policy}.png"


@contextmanager
def hold_run_folder(out: Path, purpose: str, before: Collection[str] = ()) -> Iterator[None]:
    """Create a run folder if it is missing, lock it, and recover what an earlier process left.

    Args:
        out: The folder.
        purpose: What this process does, for the messages of others.
        before: Names of what may be in it before it is a run's.

    Raises:
        FmbenchError: Another process uses the folder, it holds other files than those of a run, or
            a link in it leads outside.
        RunFailed: The folder was deleted or replaced meanwhile, or the disk is full.
    """
    check_content(out, before)
    with hold_folder(out, purpose):
        yield


@contextmanager
def hold_folder(out: Path, purpose: str) -> Iterator[None]:
    """Hold a folder whose content has been checked; see `hold_run_folder`."""
    with needs_space(out, 0):
        out.mkdir(parents=True, exist_ok=True)
    with locked(lock_inside(out), str(out), purpose, instead="give another --out") as lock:
        check_links_inside(out)
        recover(out)
        yield
        lock.check()


def start_facts(
    config: RunConfig,
    task_hashes: Mapping[str, str],
    command: str,
    stamp: Stamp | None = None,
    looks: Mapping[str, Any] | None = None,
) -> RunFacts:
    """Return the facts for the `run.json` of a run that starts now.

    Args:
        config: The run.
        task_hashes: Task to its hash.
        command: The command line.
        stamp: The code and packages that make its rows; None for the present ones.
        looks: How its policies are shown; None for what is registered.
    """
    return RunFacts(
        schema=SCHEMA,
        preset=config.preset,
        policies=record_looks(config.policy) if looks is None else looks,
        plugins=used_plugins(config.to_json()),
        config=config.to_json(),
        task_hashes=task_hashes,
        control_periods=control_periods(config),
        hash_kind=HASH_KIND,
        command=command,
        commit=commit(),
        versions=versions(),
        made_with=(stamp or present_stamp(),),
        machine=machine(),
    )


def open_run_folder(
    out: Path, new: RunFacts, writer: str, reporter: Reporter, accept_changes: bool = False
) -> RunFacts:
    """Start a run in its folder, or resume or extend the one that is there.

    Args:
        out: The folder, locked.
        new: Facts for the `run.json` of a new run.
        writer: The module that writes such folders, for messages.
        reporter: Reports that a run is resumed or extended.
        accept_changes: Whether to go on with other code or packages than those of the run.

    Returns:
        The facts in `run.json`.

    Raises:
        FmbenchError: `out` holds another run, one with hashes of an earlier kind, one that other
            code has made, or other files.
    """
    path = out / RUN_FILE
    if not os.path.lexists(path):
        write_run_facts(out, new)
        return new
    facts = read_run_facts(out)
    kinds = [(each.rescores is None, each.outside is None) for each in (facts, new)]
    if kinds[0] != kinds[1]:
        raise FmbenchError(f"{path} was not written by {writer}; give another --out")
    check_hash_kind(out, facts, "give another --out")
    check_plugins(out, facts, new.config, "give another --out")
    growth, mismatches = _compare(facts.identity, new.identity)
    if mismatches:
        raise FmbenchError(f"{out} holds another run ({'; '.join(mismatches)}); give another --out")
    redraw = "; python -m fmbench.figures redraws it" if facts.complete else ""
    changed = check_code(out, facts, new.made_with[0], accept_changes, redraw)
    if not growth and not changed:
        reporter.say(f"{out} is complete" if facts.complete else f"Resuming {out}")
        return facts
    made_with = tuple(with_stamp(facts.made_with, new.made_with[0]))
    if growth:
        reporter.say(f"Extending {out} ({'; '.join(growth)})")
        _remove_contact_sheets(out)
        facts = dataclasses.replace(
            new, commit=facts.commit, versions=facts.versions, machine=facts.machine
        )
    if changed:
        reporter.say(f"Continuing {out} with other code ({'; '.join(changed)})")
    facts = dataclasses.replace(facts, made_with=made_with)
    write_run_facts(out, facts)
    return facts


def check_content(out: Path, before: Collection[str]) -> None:
    """Check that a folder holds a run, or nothing but what a process left that began to start one.

    Nothing is written, so that a folder of other files stays as it is.
    """
    if not out.is_dir():
        return
    if os.path.lexists(out / RUN_FILE):
        if not read_run_facts(out).config:
            raise FmbenchError(f"{out / RUN_FILE} states no configuration; give another --out")
        return
    check_empty(out, "run", before)


def check_empty(out: Path, kind: str, before: Collection[str] = ()) -> None:
    """Reject a folder that holds more than what a process left that began to work in it.

    Args:
        out: The folder.
        kind: What it does not hold, for the message.
        before: Names of what may be in it all the same.

    Raises:
        FmbenchError: It holds other files.
    """
    ours = {lock_inside(out), holder_file(lock_inside(out)), *(out / name for name in before)}
    if any(entry not in ours and not is_leftover(entry) for entry in out.iterdir()):
        raise FmbenchError(f"{out} is not empty and holds no {kind}; give another --out")


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


def _compare(
    there: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Compare the identity of a run with the present one.

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


def _remove_contact_sheets(out: Path) -> None:
    """Remove the frames of policies: with more episodes they may show others."""
    for path in (out / FIGURES_FOLDER).glob("contact_sheet_*.png"):
        path.unlink()
