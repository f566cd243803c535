"""axe-core, which checks the accessibility of a page; npm fetches it once for this machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

VERSION = "4.14.1"
GRAVE = ("serious", "critical")


def axe_source() -> str:
    """Return the script of axe-core.

    Raises:
        RuntimeError: npm is missing, or cannot fetch it.
    """
    cache = Path(tempfile.gettempdir()) / f"axe-core-{VERSION}-{os.getuid()}"
    script = cache / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("npm is missing, which fetches axe-core: apt install npm")
        with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
            words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                [*words, "--prefix", folder, f"axe-core@{VERSION}"], capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(f"npm cannot fetch axe-core: {done.stderr.strip()[-300:]}")
            shutil.copytree(folder, cache, dirs_exist_ok=True)
    return script.read_text(encoding="utf-8")


def violations(page: Any) -> list[str]:
    """Return the serious and critical violations of a page: rule, help, and the first element.

    The script runs outside the page's policy, which stays as it is.
    """
    page.evaluate(axe_source())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:200]})"
        for each in found["violations"]
        if each["impact"] in GRAVE
    ]
