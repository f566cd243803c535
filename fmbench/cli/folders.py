"""The folders that commands write: what they are called, and that they can be written."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fmbench.cli.task_names import runnable_suite
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError


def check_out(out: Path, flag: str = "--out") -> None:
    """Refuse an output folder that is a file, cannot be written, or climbs out through `..`.

    Args:
        out: The folder; it need not exist, and is not made.
        flag: Where it was given, for the message.

    Raises:
        FmbenchError: Says what is wrong with it.
    """
    if ".." in out.parts:
        raise FmbenchError(f"{flag} {out} contains '..'; give the folder's plain path")
    existing = out
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise FmbenchError(f"{flag} {out}: {existing} is a file; give a folder")
    probe = existing / f".fmbench-{hashlib.sha256(str(out).encode()).hexdigest()[:8]}"
    try:
        probe.touch()
        probe.unlink(missing_ok=True)  # another run may have looked at the same time
    except OSError as error:
        raise FmbenchError(
            f"{flag} {out}: {existing} cannot be written ({error.strerror})"
        ) from None


def default_run_folder(config: RunConfig) -> Path:
    """Return the folder of a run that named none: the same configuration, the same folder."""
    tasks = "all" if config.task == runnable_suite() else "-".join(config.task)
    return Path("runs") / f"{tasks}-{'-'.join(config.policy)}-{config.preset}-{config.hash}"


def default_rescoring_folder(
    run: Path, sampler: str, nfe: Sequence[int], changes: Mapping[str, object]
) -> Path:
    """Return the folder beside a run of a re-scoring that named none: same command, same folder.

    Args:
        run: The run that is scored again.
        sampler: The one name of the sampler.
        nfe: The network evaluations that were asked for.
        changes: Other values that were given, by name.
    """
    plain = run if run.name and ".." not in run.parts else run.resolve()
    words = [plain.name, sampler, *map(str, sorted(nfe))]
    words += [f"{name}{value}" for name, value in sorted(changes.items())]
    return plain.with_name("-".join(words).replace(os.sep, "_").replace(":", "-"))
