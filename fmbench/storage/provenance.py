"""Provenance of numbers: commit, versions, machine."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("fmbench", "torch", "mujoco", "gymnasium", "numpy", "stable-baselines3")
MISSING = "not installed"


def commit() -> str:
    """Return the commit of the source, with "-dirty" if it was edited, or "unknown"."""
    root = _repository()
    if root is None:
        return "unknown"
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return f"{head}-dirty" if _git(root, "status", "--porcelain", "-uno") else head
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that determine results."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


@cache
def _version(name: str) -> str:
    """Return the installed version of a package, whose description takes a while to read."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return MISSING


def versions_text(version_by_name: Mapping[str, str]) -> str:
    """Return versions on one line, e.g. `python=3.11.7 torch=2.13.0`, without missing packages."""
    return " ".join(
        f"{name}={value}" for name, value in version_by_name.items() if value != MISSING
    )


def versions_of(text: str) -> dict[str, str]:
    """Return the versions that `versions_text` wrote."""
    pairs = (pair.partition("=") for pair in text.split())
    return {name: version for name, _, version in pairs}


def machine() -> dict[str, str | int]:
    """Describe the machine without naming it or its user."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
    }


def _repository() -> Path | None:
    """Return the repository that contains this file, or None."""
    folders = Path(__file__).resolve().parents
    return next((folder for folder in folders if (folder / ".git").exists()), None)


def _git(root: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
        start_new_session=True,  # a Ctrl-C in the terminal is for this process
    )
    return result.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
