"""Demonstrations that are damaged, and a process that loads them and may crash."""

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fmbench.data.minari_file import DATA_FILE
from fmbench.storage.artefacts import MANIFEST
from tests.fmbench.small_run import ROOT

PATIENCE_S = 60
WORKER = """
import json, resource, sys
from pathlib import Path
import numpy as np
from fmbench.data.store import load_demonstrations
from fmbench.errors import FmbenchError
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 2**29  # a file of 80 kB needs no half gigabyte
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for line in sys.stdin:
    folder = Path(line.rstrip())
    try:
        data = load_demonstrations(folder, "LiftCube")
        arrays = (data.observations, data.actions, data.executed, data.lengths)
        np.savez(folder.parent / "loaded.npz", *arrays)
        answer = ""
    except FmbenchError as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""
"""Loads folders in a process of its own, so that a crash of the HDF5 library would be noticed."""
NAMES = ("observations", "actions", "executed", "lengths")


class Loader:
    """A process that loads demonstrations."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load(self, folder: Path) -> str | dict[str, np.ndarray]:
        """Return the arrays of `folder`, or the one line of the error."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{folder}\n")
        process.stdin.flush()
        is_ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert is_ready, "loading does not end"
        line = process.stdout.readline()
        if not line:
            _, err = process.communicate()
            raise AssertionError(f"the process ended with {process.returncode}: {err[-2000:]}")
        if error := json.loads(line):
            return str(error)
        with np.load(folder.parent / "loaded.npz") as arrays:
            return {name: arrays[f"arr_{k}"] for k, name in enumerate(NAMES)}

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Original:
    """Good demonstrations, and a folder in which they are damaged.

    Attributes:
        folder: The damaged copy.
        data: Bytes of the data file.
        manifest: Bytes of the manifest.
        loader: Loads folders.
        arrays: The numbers of the original.
        numbers: Per byte of the data file, whether it is part of a number.
    """

    folder: Path
    data: bytes
    manifest: bytes
    loader: Loader
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def write(self, data: bytes) -> None:
        """Make `data` the data file."""
        (self.folder / DATA_FILE).write_bytes(data)

    def restore(self) -> None:
        self.write(self.data)
        (self.folder / MANIFEST).write_bytes(self.manifest)

    def load(self) -> str | dict[str, np.ndarray]:
        return self.loader.load(self.folder)
