"""Loading of the user's Python files that `--plugin` names, before a command line is read."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from envs.perturb.catalogue import AXES
from envs.registry import TASKS
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.user_code import describe
from fmbench.errors import FmbenchError
from policies.catalogue import BACKBONES, ENCODERS, POLICIES

FLAG = "--plugin"
EXPECTED = "give a Python file, NAME.py, that registers a task, policy, backbone, encoder or axis"


class Entry(Protocol):
    """What the entries of all tables share."""

    @property
    def files(self) -> Mapping[str, str]:
        """The user's files that define it, each with its sha256; empty if it is built in."""


TABLES: Mapping[str, Mapping[str, Entry]] = {
    "task": TASKS,
    "policy": POLICIES,
    "backbone": BACKBONES,
    "encoder": ENCODERS,
    "axis": AXES,
}
"""Kind of what a user can register, to what is registered: name to entry."""
_loading: list[tuple[str, str]] = []


def loading() -> tuple[str, str] | None:
    """Return the path and the sha256 of the file that is being loaded, or None."""
    return _loading[-1] if _loading else None


def absolute(path: str | Path) -> str:
    """Return a path as entries hold it; links are not resolved."""
    return os.path.abspath(path)


def load_plugins(words: Sequence[str]) -> None:
    """Load every file that a command line gives with `--plugin`, in order.

    The parser, whose help and checks include what the files register, is built after this.

    Raises:
        FmbenchError: A file cannot be loaded, or registers nothing.
    """
    for word, following in pairwise([*words, "-"]):
        if word == FLAG and not following.startswith("-"):
            load_plugin(following)
        elif word.startswith(f"{FLAG}="):
            load_plugin(word.partition("=")[2])


def load_plugin(given: str) -> None:
    """Import a file under its stem, unless this process has imported it already.

    The file's `__name__` is its stem, so that what stands below `if __name__ == "__main__"` does
    not run; its folder is searched for modules, as if it were run as a program.

    Raises:
        FmbenchError: It cannot be loaded, or registers nothing; the message names the line.
    """
    problem = f"{FLAG} is {given!r}"
    if not os.path.exists(given):
        raise FmbenchError(f"{problem}, which does not exist; {EXPECTED}")
    if os.path.isdir(given) or not given.endswith(".py"):
        kind = "is a folder" if os.path.isdir(given) else "is not named NAME.py"
        raise FmbenchError(f"{problem}, which {kind}; {EXPECTED}")
    path = Path(absolute(given))
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if known := _registered_by(str(path)):
        if sha256 not in known:
            raise FmbenchError(f"{problem}, which has changed since it was imported; start again")
        return
    _check_module_name(path, problem)
    import_mujoco()  # the user's imports need it; its own errors are clearer
    _execute(path, content, sha256, problem)
    if not _registered_by(str(path)):
        raise FmbenchError(
            f"{problem}, which registers nothing when it is imported; call register_task, "
            "register_policy, register_backbone, register_encoder or register_axis of "
            "fmbench.plugins at its top level"
        )


def users_files() -> list[str]:
    """Return the user's files that define anything registered, each once, by absolute path."""
    entries = (entry for table in TABLES.values() for entry in table.values())
    return list(dict.fromkeys(file for entry in entries for file in entry.files))


def _registered_by(path: str) -> set[str]:
    """Return the hashes that a file had when it registered something; empty if it did not."""
    entries = [entry for table in TABLES.values() for entry in table.values() if entry.files]
    firsts = [next(iter(entry.files.items())) for entry in entries]
    return {sha256 for file, sha256 in firsts if file == path}


def _check_module_name(path: Path, problem: str) -> None:
    """Reject a file whose stem is the name of another module, which it would replace."""
    name = path.stem
    loaded = sys.modules.get(name)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(name) if "." not in name else None
        except (ImportError, ValueError):
            spec = None
        other = spec.origin if spec else None
        is_installed = other is not None and "site-packages" in Path(other).parts
        is_taken = name in sys.stdlib_module_names or is_installed
    else:
        other = getattr(loaded, "__file__", None)
        is_taken = other is None or absolute(other) != str(path)
    if is_taken:
        where = other or "a module of Python"
        raise FmbenchError(f"{problem}, but {name!r} is the name of {where}; rename the file")


def _execute(path: Path, content: bytes, sha256: str, problem: str) -> None:
    """Execute a file as a new module.

    Raises:
        FmbenchError: It fails, ends the process, or starts a command.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    _loading.append((str(path), sha256))
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)  # exactly the bytes of the hash
    except SystemExit as error:
        raise FmbenchError(
            f"{problem}, which ends the process when it is imported ({describe(error)}); put what "
            'runs it below: if __name__ == "__main__":'
        ) from error
    except Exception as error:
        raise FmbenchError(f"{problem}, which cannot be imported: {describe(error)}") from error
    finally:
        _loading.pop()
