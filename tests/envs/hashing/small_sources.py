"""Hashes of code in modules of a few lines."""

from pathlib import Path

from envs.hashing.bindings import Place
from envs.hashing.definitions import Definitions
from envs.hashing.sources import Source
from envs.hashing.text import code_hash

HERE = Path(__file__).resolve().parent


def definitions(**modules: str) -> Definitions:
    """Return the definitions of modules given as text."""

    def find(name: str) -> Source | None:
        text = modules.get(name)
        return None if text is None else Source(text.encode(), HERE / f"{name}.py")

    return Definitions(find)


def hash_of(**modules: str) -> str:
    """Return the hash of the code that `start.begin` reaches."""
    return code_hash(definitions(**modules), [Place("start", "begin")])
