"""Edits of the text of the package `envs`, and the hashes of its tasks afterwards."""

import ast
import dataclasses
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from envs.hashing.bindings import Place
from envs.hashing.definitions import Definitions
from envs.hashing.reach import Reach
from envs.hashing.sources import Source, find_source
from envs.registry import TASKS
from envs.task_hash import ENGINE, entry_hash

ROOT = Path(__file__).resolve().parents[3]
Texts = dict[str, str]
"""The text of each file, by its path in the repository."""
Edit = Callable[[Texts], None]


@lru_cache(maxsize=1)
def _present() -> tuple[tuple[str, str], ...]:
    paths = sorted((ROOT / "envs").rglob("*.py"))
    return tuple((path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths)


def texts() -> Texts:
    """Return the package as it is."""
    return dict(_present())


def hash_of(files: Texts, task: str = "LiftCube", root: Path = ROOT, **places: str) -> str:
    """Return the hash of a task.

    Args:
        files: The package.
        task: The task.
        root: The folder of its data files.
        places: Replacements of the registry's entries for the task or its expert.
    """

    def find(module: str) -> Source | None:
        stem = module.replace(".", "/")
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if path in files:
                return Source(files[path].encode(), root / path)
        return None

    return entry_hash(dataclasses.replace(TASKS[task], **places), Definitions(find))


@lru_cache(maxsize=64)
def present_hash(task: str) -> str:
    """Return the hash of a task as it is."""
    return hash_of(texts(), task)


def hash_after(edit: Edit, task: str = "LiftCube") -> str:
    """Return the hash of a task after an edit."""
    files = texts()
    edit(files)
    assert files != texts(), "the edit has no effect"
    return hash_of(files, task)


def change(old: str, new: str, file: str = "") -> Edit:
    """Return the edit that replaces the only occurrence of `old`, in files whose path ends so."""

    def edit(files: Texts) -> None:
        paths = [path for path in files if path.endswith(file) and old in files[path]]
        assert [files[path].count(old) for path in paths] == [1], (old, paths)
        files[paths[0]] = files[paths[0]].replace(old, new)

    return edit


def rename(old: str, new: str) -> Edit:
    """Return the edit that replaces a word in all files."""

    def edit(files: Texts) -> None:
        matches = {path: text for path, text in files.items() if old in text}
        conflicts = [path for path, text in files.items() if re.search(rf"\b{new}\b", text)]
        assert not conflicts, (new, conflicts)
        files.update({path: re.sub(rf"\b{old}\b", new, t) for path, t in matches.items()})

    return edit


@lru_cache(maxsize=1)
def _reached() -> tuple[str, ...]:
    """Return the files that LiftCube and AdroitHammer reach."""
    entries = [TASKS[name] for name in ("LiftCube", "AdroitHammer")]
    places = [place for entry in entries for place in (entry.task, entry.expert, ENGINE)]
    reach = Reach(Definitions(find_source), [Place(*place.split(":")) for place in places])
    return tuple(sorted({f"{place.module.replace('.', '/')}.py" for place in reach.numbers}))


def rewrite(transform: Callable[[ast.Module], ast.AST]) -> Edit:
    """Return the edit that changes the syntax tree of every file, which also reformats it."""

    def edit(files: Texts) -> None:
        for path in _reached():
            tree = transform(ast.parse(files[path]))
            files[path] = ast.unparse(ast.fix_missing_locations(tree)) + "\n"

    return edit


def text_edit(transform: Callable[[str], str]) -> Edit:
    """Return the edit that changes the text of every file."""

    def edit(files: Texts) -> None:
        files.update({path: transform(text) for path, text in files.items()})

    return edit
