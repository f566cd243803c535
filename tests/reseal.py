"""Manifests that agree with changed files and facts, as a forger would write them."""

import json
from pathlib import Path
from typing import Any

from fmbench.storage.artefacts import MANIFEST, SEAL, seal
from fmbench.storage.hashes import sha256_file


def reseal(folder: Path, **facts: Any) -> None:
    """Change facts of a manifest; make its hashes agree with the files and with itself."""
    manifest = {**json.loads((folder / MANIFEST).read_text()), **facts}
    manifest["sha256"] = {name: sha256_file(folder / name) for name in manifest["sha256"]}
    (folder / MANIFEST).write_text(json.dumps({**manifest, SEAL: seal(manifest)}))


def facts_of(folder: Path) -> dict[str, Any]:
    """Return the content of the manifest."""
    return dict(json.loads((folder / MANIFEST).read_text()))
