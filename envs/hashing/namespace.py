"""Resolve names at the top level of a module, from its syntax tree alone."""

import ast
from collections.abc import Iterable

from envs.hashing.bindings import (
    COMPOUND,
    DEFINITIONS,
    Dotted,
    Origin,
    Place,
    assigned,
    bound_names,
    changed_names,
    given_names,
    imported,
    is_for_types,
    root_of,
)
from envs.hashing.sources import Finder, Source


class Module:
    """The names of one module.

    Attributes:
        name: The module's name.
        source: Its source.
        origins: The statements and values that define each name, in order.
        imports: What each imported name refers to.
        stars: The modules imported with `*`.
        changes: Statements that change the object of an imported name.
    """

    def __init__(self, name: str, source: Source) -> None:
        self.name, self.source = name, source
        self.origins: dict[str, list[Origin]] = {}
        self.imports: dict[str, Dotted | Place] = {}
        self.stars: list[str] = []
        self.changes: list[ast.stmt] = []
        self._read(ast.parse(source.text).body)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._read_import(statement)
            elif isinstance(statement, DEFINITIONS):
                self._add(statement.name, statement)
                for decorator in statement.decorator_list:  # @function.register
                    if isinstance(decorator, ast.Attribute) and (root := root_of(decorator)):
                        self._add(root, statement)
            elif isinstance(statement, ast.If) and is_for_types(statement):
                self._read(statement.orelse)
            elif isinstance(statement, COMPOUND):
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        self._read_import(inner)
                for name in sorted(bound_names([statement])):
                    self._add(name, statement)
                self._note_changes(statement)
            else:
                for name, value in assigned(statement):
                    self._add(name, value)
                self._note_changes(statement)

    def _note_changes(self, statement: ast.stmt) -> None:
        """Record the objects that a statement changes, in this module or in others."""
        changed = changed_names(statement)
        for name in changed | {name for name in given_names(statement) if self._is_variable(name)}:
            if statement not in self.origins.get(name, []):
                self._add(name, statement)
        if not changed.isdisjoint(self.imports):
            self.changes.append(statement)

    def _is_variable(self, name: str) -> bool:
        return name in self.origins and not isinstance(self.origins[name][0], DEFINITIONS)

    def _add(self, name: str, origin: Origin) -> None:
        self.origins.setdefault(name, []).append(origin)

    def _read_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for name, target in imported(statement, self.name, self.source.is_package).items():
            if name == "*":
                self.stars.append(target[0])
            else:
                self.imports[name] = target


class Library:
    """The first-party modules, each read once."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a first-party module, or None."""
        if name not in self._modules:
            source = self._find(name)
            self._modules[name] = None if source is None else Module(name, source)
        return self._modules[name]

    def meaning(self, module: Module, name: str) -> Place | Dotted:
        """Return what a name refers to at the top level of a module; unknown names are builtins."""
        return self._own(module, name, ()) or Dotted(f"builtins.{name}")

    def member(self, module: str, name: str, seen: tuple[Place, ...] = ()) -> Place | Dotted:
        """Return what `module.name` refers to; `seen` are the names already followed."""
        source = self.module(module)
        meaning = None if source is None else self._own(source, name, seen)
        return meaning or Dotted(f"{module}.{name}")

    def _own(self, module: Module, name: str, seen: tuple[Place, ...]) -> Place | Dotted | None:
        here = Place(module.name, name)
        if here in seen:
            return None
        seen = (*seen, here)
        target = module.imports.get(name)
        if isinstance(target, Place):
            return self.member(target.module, target.name, seen)
        if target is not None:
            return target
        if name in module.origins:
            return here
        for star in module.stars:
            source = self.module(star)
            meaning = None if source is None else self._own(source, name, seen)
            if meaning is not None:
                return meaning
        return None
