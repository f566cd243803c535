"""Manifests that agree with changed files and facts, as a forger would write them."""

import json
from pathlib import Path
from typing import Any

from fmbench.storage import run_facts
from fmbench.storage.artefacts import MANIFEST, SEAL
from fmbench.storage.hashes import sha256_file
from fmbench.storage.sealed_json import with_seal


def reseal(folder: Path, **facts: Any) -> None:
    """Change facts of a manifest; make its hashes agree with the files and with itself."""
    manifest = {**json.loads((folder / MANIFEST).read_text()), **facts}
    manifest["sha256"] = {name: sha256_file(folder / name) for name in manifest["sha256"]}
    (folder / MANIFEST).write_text(json.dumps(with_seal(manifest, SEAL)))


def change_run(folder: Path, **changes: Any) -> None:
    """Change values of a `run.json`, None removing one; make its hash agree with the others."""
    path = folder / run_facts.RUN_FILE
    values = {**json.loads(path.read_text()), **changes}
    kept = {name: value for name, value in values.items() if value is not None}
    is_sealed = run_facts.SEAL in kept
    path.write_text(json.dumps(with_seal(kept, run_facts.SEAL) if is_sealed else kept))


def facts_of(folder: Path) -> dict[str, Any]:
    """Return the content of the manifest."""
    return dict(json.loads((folder / MANIFEST).read_text()))
