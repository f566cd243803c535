"""Read from the sources of a checkout who imports whom; nothing of them is run."""

import ast
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

PACKAGES = ("envs", "policies", "fmbench")


class SourceTree:
    """The modules of the three packages below a folder.

    Args:
        root: A checkout, or a copy of its packages.
    """

    def __init__(self, root: Path) -> None:
        self.files = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
            for package in PACKAGES
            for path in sorted((root / package).rglob("*.py"))
        }

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Module to what it imports, in functions and for type checking too, by full name."""
        return {module: set(self._imports(module)) for module in self.files}

    def units(self) -> dict[str, set[str]]:
        """Folder or single module of fmbench to those that it imports, itself left out."""
        edges: dict[str, set[str]] = {}
        for module, names in self.imports.items():
            if module.startswith("fmbench."):
                own = edges.setdefault(self.unit(module), set())
                own |= {self.unit(name) for name in names if name.startswith("fmbench.")}
        return {unit: below - {unit} for unit, below in edges.items()}

    def unit(self, module: str) -> str:
        """Return `fmbench.folder` of a module in a folder of fmbench, else the module."""
        parts = module.split(".")
        return ".".join(parts[:2]) if len(parts) > 2 else module

    def circle(self) -> list[str]:
        """Return modules that import each other in a circle, or nothing."""
        return _circle({m: names & set(self.files) - {m} for m, names in self.imports.items()})

    def floors(self) -> dict[str, int]:
        """Return how many units of fmbench lie below each unit, one upon another; 1 is the ground.

        Raises:
            ValueError: Units import each other in a circle.
        """
        units = self.units()
        if circle := _circle(units):
            raise ValueError(f"{' -> '.join(circle)} is a circle")
        floors: dict[str, int] = {}

        def floor(unit: str) -> int:
            if unit not in floors:
                floors[unit] = 1 + max((floor(below) for below in units.get(unit, ())), default=0)
            return floors[unit]

        for unit in units:
            floor(unit)
        return floors

    def _imports(self, module: str) -> Iterator[str]:
        for level, source, name in _import_statements(self.files[module].read_text("utf-8")):
            if level:
                raise ValueError(f"{module} imports relatively")
            below = f"{source}.{name}"
            yield below if source and below in self.files else source or name


@cache
def _import_statements(text: str) -> tuple[tuple[int, str, str], ...]:
    """Return level, module ("" for `import name`) and name of every import of a source."""
    found: list[tuple[int, str, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(0, "", alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.level, node.module or "", alias.name) for alias in node.names]
    return tuple(found)


def _circle(edges: dict[str, set[str]]) -> list[str]:
    """Return one circle of a directed graph, its first node repeated at the end, or nothing."""
    done: set[str] = set()

    def search(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for following in sorted(edges.get(node, ())):
            if found := search(following, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(edges) if (found := search(node, []))), [])
