"""The folder of a run: its paths, and how it is created, held, resumed or extended."""

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envs.task_hash import HASH_KIND
from fmbench.cli.progress import Reporter
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.report.looks import record_looks
from fmbench.runs.control_periods import control_periods
from fmbench.runs.run_plugins import check_plugins, used_plugins
from fmbench.runs.same_origin import check_code, check_hash_kind, compared
from fmbench.storage.disk import needs_space
from fmbench.storage.leftovers import is_leftover, recover
from fmbench.storage.links import check_links_inside
from fmbench.storage.locks import Waiting, holder_file, lock_inside, locked
from fmbench.storage.provenance import commit, machine, versions
from fmbench.storage.run_facts import RUN_FILE, SCHEMA, RunFacts, read_run_facts, write_run_facts
from fmbench.storage.stamps import Stamp, present_stamp, with_stamp

FIGURES_FOLDER = "figures"
CHECKPOINTS = "checkpoints"
BEFORE_AGENTS = (CHECKPOINTS, "tensorboard")
"""What trainings by reinforcement learning put into a folder before it is a run's."""


def checkpoint_folder(run: Path, task: str, policy: str, train_seed: int) -> Path:
    """Return the folder of the checkpoint of one trained policy."""
    return run / CHECKPOINTS / f"{task}-{policy}-seed{train_seed}"


def contact_sheet_file(run: Path, task: str, policy: str) -> Path:
    """Return the file with frames of one policy."""
    return run / FIGURES_FOLDER / f"contact_sheet_{task}_{policy}.png"


@contextmanager
def hold_run_folder(
    out: Path, purpose: str, before: Collection[str] = (), waiting: Waiting | None = None
) -> Iterator[None]:
    """Create a run folder if it is missing, lock it, and recover what an earlier process left.

    Args:
        out: The folder.
        purpose: What this process does, for the messages of others.
        before: Names of what may be in it before it is a run's.
        waiting: How to wait while another process uses it; without it that is an error.

    Raises:
        FmbenchError: Another process uses the folder, it holds other files than those of a run, or
            a link in it leads outside.
        RunFailed: The folder was deleted or replaced meanwhile, or the disk is full.
    """
    check_content(out, before)
    with hold_folder(out, purpose, waiting):
        yield


@contextmanager
def hold_folder(out: Path, purpose: str, waiting: Waiting | None = None) -> Iterator[None]:
    """Hold a folder whose content has been checked; see `hold_run_folder`."""
    with needs_space(out, 0):
        out.mkdir(parents=True, exist_ok=True)
    instead, file = "give another --out", lock_inside(out)
    with locked(file, str(out), purpose, instead=instead, waiting=waiting) as lock:
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
    growth, mismatches = compared(facts.identity, new.identity)
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


def _remove_contact_sheets(out: Path) -> None:
    """Remove the frames of policies: with more episodes they may show others."""
    for path in (out / FIGURES_FOLDER).glob("contact_sheet_*.png"):
        path.unlink()
