"""Say what produced a number: commit, versions, machine."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

PACKAGES = ("fmbench", "torch", "mujoco", "gymnasium", "numpy", "stable-baselines3")
MISSING = "not installed"


def commit() -> str:
    """Return the commit of the source, "-dirty" appended if it was edited, or "unknown"."""
    root = _repository()
    if root is None:
        return "unknown"
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return f"{head}-dirty" if _git(root, "status", "--porcelain", "-uno") else head
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = MISSING
    return found


def versions_text(found: Mapping[str, str]) -> str:
    """Write versions on one line, e.g. `python=3.11.7 torch=2.13.0`, without what is missing."""
    return " ".join(f"{name}={value}" for name, value in found.items() if value != MISSING)


def machine() -> dict[str, str | int]:
    """Describe the machine without naming it or its user."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
    }


def _repository() -> Path | None:
    """Return the repository that this file lies in, or None where there is none."""
    folders = Path(__file__).resolve().parents
    return next((folder for folder in folders if (folder / ".git").exists()), None)


def _git(root: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
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
