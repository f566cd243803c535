"""Find the source of first-party modules.

A module is first-party if it is neither in the standard library nor installed as a distribution
(in a folder `site-packages` or `dist-packages`, or in one whose `*.dist-info` list it, as
`pip install --target` makes it): a user's script, the modules next to it, and a project installed
in editable mode. The three packages of this project are always first-party.
Everything else is external and counts by name only; its version is recorded elsewhere.
"""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PROJECT = ("envs", "fmbench", "policies")
INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Source:
    """A module's source.

    Attributes:
        text: Content of the file.
        path: Path of the file; data files are searched for in its folder.
    """

    text: bytes
    path: Path

    @property
    def is_package(self) -> bool:
        """Whether the module is a package, whose relative imports start at itself."""
        return self.path.name == "__init__.py"


Finder = Callable[[str], Source | None]
"""Returns the source of a first-party module by its name, or None."""


@lru_cache(maxsize=1024)
def find_source(module: str) -> Source | None:
    """Return the source of a first-party module as installed, or None."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return None
    loaded = getattr(sys.modules.get(module), "__file__", None)
    path = Path(loaded) if loaded else _file_of(module)
    if path is None or path.suffix != ".py" or not path.is_file():
        return None
    if top not in PROJECT and _is_installed(top, path):
        return None
    return Source(path.read_bytes(), path)


def sources_in(root: Path) -> Finder:
    """Return a finder for the modules in a folder of packages."""

    def find(module: str) -> Source | None:
        path = _below(root, module.split("."))
        return Source(path.read_bytes(), path) if path else None

    return find


def _is_installed(top: str, path: Path) -> bool:
    """Return whether a file of a module below `top` belongs to an installed distribution."""
    if INSTALLED.intersection(path.parts):
        return True
    names = (top, f"{top}.py")
    return any(
        place.name in names and top in _listed(place.parent) for place in (path, *path.parents)
    )


@lru_cache(maxsize=256)
def _listed(folder: Path) -> frozenset[str]:
    """Return the top-level modules of the distributions that are installed in a folder."""
    names = set[str]()
    for record in folder.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        names.update(line.partition("/")[0].partition(".py,")[0] for line in lines)
    return frozenset(names)


def _file_of(module: str) -> Path | None:
    """Locate a module that is not loaded, without importing anything."""
    top, *rest = module.split(".")
    spec = _spec_of(top)
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    paths = (_below(Path(folder), rest) for folder in spec.submodule_search_locations or ())
    return next((path for path in paths if path), None)


@lru_cache(maxsize=256)
def _spec_of(top: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None


def _below(folder: Path, parts: list[str]) -> Path | None:
    place = folder.joinpath(*parts)
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None
