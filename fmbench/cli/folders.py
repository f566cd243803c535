"""Output folders of the commands: default names, and checks that they can be written."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fmbench.cli.task_names import runnable_suite
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.storage.grid_folder import is_grid, read_grid_facts
from fmbench.storage.leftovers import recover_target, staged


def check_out(out: Path, flag: str = "--out") -> None:
    """Check that an output folder can be written, is no file and contains no `..`.

    Args:
        out: The folder; it need not exist, and is not created.
        flag: Its flag, for the message.

    Raises:
        FmbenchError: The folder is not accepted; the message gives the reason.
    """
    existing = _existing_part(out, flag)
    probe = existing / "fmbench"
    try:
        recover_target(probe)
        staged(probe).touch()
        staged(probe).unlink(missing_ok=True)
    except OSError as error:
        raise FmbenchError(
            f"{flag} is {out}; give a folder that can be written ({existing}: {error.strerror})"
        ) from None


def check_data(data: Path) -> None:
    """Check the folder of all demonstrations; one that exists may be read-only.

    It may hold all that is needed: whether it can be written is checked when something is missing.

    Raises:
        FmbenchError: The folder is not accepted; the message gives the reason.
    """
    if _existing_part(data, "--data") != data:
        check_out(data, "--data")


def check_one_run(folder: Path) -> None:
    """Check that a folder is there and is no grid of runs.

    Raises:
        FmbenchError: It is not; the message gives the reason.
    """
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "does not exist"
        raise FmbenchError(f"{folder} {state}; give the folder of a run")
    if is_grid(folder):
        runs = [name for name in read_grid_facts(folder).runs if (folder / name).is_dir()]
        run = next(iter(runs), "SECTION/RUN")
        raise FmbenchError(f"{folder} is a grid; give a run in it, like {folder / run}")


def _existing_part(out: Path, flag: str) -> Path:
    """Return a folder, or the nearest one above it that exists; reject a file and `..`."""
    if ".." in out.parts:
        raise FmbenchError(f"{flag} is {out}; give a path without '..'")
    existing = out
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise FmbenchError(f"{flag} is {out}; give a folder ({existing} is a file)")
    return existing


def default_run_folder(config: RunConfig) -> Path:
    """Return the default folder of a run, a function of its configuration."""
    tasks = "all" if config.task == runnable_suite() else "-".join(config.task)
    return Path("runs") / f"{tasks}-{'-'.join(config.policy)}-{config.preset}-{config.hash}"


def default_rescoring_folder(
    run: Path, sampler: str, nfe: Sequence[int], changes: Mapping[str, object]
) -> Path:
    """Return the default folder of a re-scoring, next to its run.

    Args:
        run: The run that is scored again.
        sampler: Full name of the sampler.
        nfe: The requested network evaluations.
        changes: Other values of the command line, by name.
    """
    plain = run if run.name and ".." not in run.parts else run.resolve()
    words = [plain.name, sampler, *map(str, sorted(nfe))]
    words += [
        name + ("_".join(map(str, value)) if isinstance(value, tuple) else str(value))
        for name, value in sorted(changes.items())
    ]
    return plain.with_name("-".join(filter(None, words)).replace(os.sep, "_").replace(":", "-"))
