"""Import graph of a checkout, read from its sources without running them."""

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
        """Module to the full names it imports, also inside functions and for type checking."""
        return {module: self.read_imports(module) for module in self.files}

    def read_imports(self, module: str) -> set[str]:
        """Return the full names that a module's file imports now."""
        return set(self._imports(module))

    def units(self) -> dict[str, set[str]]:
        """Return each folder or single module of fmbench with the others that it imports."""
        edges: dict[str, set[str]] = {}
        for module, names in self.imports.items():
            if module.startswith("fmbench."):
                targets = edges.setdefault(self.unit(module), set())
                targets |= {self.unit(name) for name in names if name.startswith("fmbench.")}
        return {unit: targets - {unit} for unit, targets in edges.items()}

    def unit(self, module: str) -> str:
        """Return `fmbench.folder` for a module in a folder of fmbench, else the module.

        The command of a folder, its `__main__`, is a unit of its own.
        """
        parts = module.split(".")
        return module if parts[-1] == "__main__" else ".".join(parts[:2])

    def cycle(self) -> list[str]:
        """Return the modules of an import cycle, or an empty list."""
        return _cycle({m: names & set(self.files) - {m} for m, names in self.imports.items()})

    def layers(self) -> dict[str, int]:
        """Return the layer of each unit of fmbench: 1 plus the highest layer that it imports.

        Raises:
            ValueError: Units import each other in a cycle.
        """
        units = self.units()
        if cycle := _cycle(units):
            raise ValueError(f"{' -> '.join(cycle)} is an import cycle")
        layers: dict[str, int] = {}

        def layer(unit: str) -> int:
            if unit not in layers:
                layers[unit] = 1 + max((layer(target) for target in units.get(unit, ())), default=0)
            return layers[unit]

        for unit in units:
            layer(unit)
        return layers

    def _imports(self, module: str) -> Iterator[str]:
        for level, source, name in _import_statements(self.files[module].read_text("utf-8")):
            if level:
                raise ValueError(f"{module} imports relatively")
            submodule = f"{source}.{name}"
            yield submodule if source and submodule in self.files else source or name


@cache
def _import_statements(text: str) -> tuple[tuple[int, str, str], ...]:
    """Return level, module ("" for `import name`) and name of every import in a source text."""
    statements: list[tuple[int, str, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            statements += [(0, "", alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            statements += [(node.level, node.module or "", alias.name) for alias in node.names]
    return tuple(statements)


def _cycle(edges: dict[str, set[str]]) -> list[str]:
    """Return one cycle of a directed graph with its first node repeated at the end, or []."""
    done: set[str] = set()

    def search(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(edges.get(node, ())):
            if cycle := search(target, [*path, node]):
                return cycle
        done.add(node)
        return []

    return next((cycle for node in sorted(edges) if (cycle := search(node, []))), [])
