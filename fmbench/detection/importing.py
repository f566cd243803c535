"""Import of a detector that was trained with ultralytics elsewhere: converted once, if trusted."""

from pathlib import Path

from fmbench.detection.process import started
from fmbench.errors import FmbenchError
from fmbench.storage.files import open_regular, write_bytes_atomic
from fmbench.storage.hashes import sha256_file

WEIGHTS = "weights.safetensors"


def check_trusted(source: Path, is_trusted: bool) -> None:
    """Check that a file is there and that the user trusts it, without reading it.

    Raises:
        FmbenchError: It is not there, or not trusted.
    """
    try:
        open_regular(source).close()
    except FileNotFoundError:
        raise FmbenchError(
            f"--import is {source}, which does not exist; give a file that ultralytics has saved"
        ) from None
    if not is_trusted:
        raise FmbenchError(
            f"--import is {source}, a pickle: reading it runs whatever code it holds; "
            "if you trust where it comes from, add --trust"
        )


def import_detector(source: Path, out: Path) -> str:
    """Convert a trusted file of ultralytics in a process of its own, and describe the result.

    Raises:
        FmbenchError: The extra is missing, or the file cannot be read or holds something else.
        RunFailed: The process ended, or the disk is full.
    """
    with started("convert") as worker:
        worker.wait_until_ready()
        target = worker.folder / WEIGHTS
        made_with = {"imported_from": source.name, "sha256": sha256_file(source)}
        found = worker.run(
            {"source": str(source), "target": str(target), "made_with": made_with},
            lambda done: None,
        )
        write_bytes_atomic(out, target.read_bytes())
    classes = found["classes"]
    return f"{found['architecture']} for {len(classes)} classes: {', '.join(classes)}"
