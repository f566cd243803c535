"""What a forger does after changing a file or the facts: make all hashes agree again."""

import json
from pathlib import Path
from typing import Any

from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.hashes import sha256_file


def reseal(folder: Path, **facts: Any) -> None:
    """Make the manifest agree with changed files, with other facts if some are given."""
    manifest = {**json.loads((folder / MANIFEST).read_text()), **facts}
    manifest["sha256"] = {name: sha256_file(folder / name) for name in manifest["sha256"]}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def facts_of(folder: Path) -> dict[str, Any]:
    """Return the content of the manifest."""
    return dict(json.loads((folder / MANIFEST).read_text()))
