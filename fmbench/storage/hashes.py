"""Hashes of files, and their short form in rows and messages."""

import hashlib
from pathlib import Path

SHORT_DIGITS = 16


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(value: str) -> str:
    """Return the first 16 hexadecimal digits of a hash."""
    return value[:SHORT_DIGITS]
