"""A disk of a size that a test chooses: a real file system, mounted for the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str = "8m") -> Iterator[Path]:
    """Mount a file system of some size in an empty folder; skip the test where it is forbidden."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has tmpfs")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this process may not mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run_where_mounting_is_allowed(file: str) -> None:
    """Run the tests of a file as root of a new user namespace, unless this process is root."""
    if os.getuid() == 0:
        pytest.skip("this process may mount itself")
    prefix = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("this system allows no user namespaces")
    words = ["-m", "pytest", "-q", "-m", "faults", "-p", "no:cacheprovider", file]
    done = subprocess.run([*prefix, sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
