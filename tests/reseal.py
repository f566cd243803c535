"""Manifests that agree with changed files and facts, as a forger would write them."""

import json
from pathlib import Path

from fmbench.storage.artefacts import MANIFEST, SEAL, seal
from fmbench.storage.hashes import sha256_file


def reseal(folder: Path, **facts: object) -> None:
    """Change facts of a manifest; make its hashes agree with the files and with itself."""
    manifest = {**json.loads((folder / MANIFEST).read_text()), **facts}
    if "sha256" not in facts:
        manifest["sha256"] = {name: sha256_file(folder / name) for name in manifest["sha256"]}
    (folder / MANIFEST).write_text(json.dumps({**manifest, SEAL: seal(manifest)}))
