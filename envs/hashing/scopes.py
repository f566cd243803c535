"""Resolve names inside a definition, and number local names."""

import ast
from collections.abc import Iterable

from envs.hashing.bindings import FUNCTIONS, Dotted, Place, imported
from envs.hashing.namespace import Library, Module
from envs.hashing.tokens import Attribute, Reference, Token


class Scope:
    """The names of one function, comprehension or class body.

    Attributes:
        names: The names that it binds.
        imports: The names that import statements bind.
        numbers: The number of each name encountered so far.
        is_class: Whether it is a class body, whose names nested functions do not see.
    """

    def __init__(
        self,
        names: set[str],
        imports: dict[str, Dotted | Place] | None = None,
        is_class: bool = False,
    ) -> None:
        self.names, self.imports, self.is_class = names, imports or {}, is_class
        self.numbers: dict[str, int] = {}


class Scopes:
    """The scopes around a position inside a definition, the innermost last.

    Local names are numbered in the order of first use, over the complete definition.
    """

    def __init__(self, library: Library, module: Module) -> None:
        self._library, self._module = library, module
        self._stack: list[Scope] = []
        self._count = 0

    def enter(self, scope: Scope) -> None:
        """Enter a scope."""
        self._stack.append(scope)

    def leave(self) -> None:
        """Leave the innermost scope."""
        self._stack.pop()

    def token(self, name: str) -> Token:
        """Return the token of a name that is read or bound here."""
        meaning = self._meaning(name)
        if isinstance(meaning, Place):
            return Reference(meaning)
        return meaning.path if isinstance(meaning, Dotted) else meaning

    def meaning(self, node: ast.expr) -> Place | Dotted | None:
        """Return what a dotted expression refers to, or None if it is not static."""
        if isinstance(node, ast.Name):
            meaning = self._meaning(node.id)
            return meaning if isinstance(meaning, Place | Dotted) else None
        if isinstance(node, ast.Attribute):
            value = self.meaning(node.value)
            if isinstance(value, Dotted):
                return self._library.member(value.path, node.attr)
        return None

    def path(self, node: ast.expr) -> str:
        """Return the full name of an external object, or ""."""
        meaning = self.meaning(node)
        return meaning.path if isinstance(meaning, Dotted) else ""

    def imports(self, statements: Iterable[ast.AST]) -> dict[str, Dotted | Place]:
        """Return the names that the import statements of a function or class body bind."""
        names: dict[str, Dotted | Place] = {}
        waiting = list(statements)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= imported(node, self._module.name, self._module.source.is_package)
            elif not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.expr)):
                waiting += ast.iter_child_nodes(node)
        return names

    def _meaning(self, name: str) -> Place | Dotted | str | Attribute:
        is_inside = False
        for scope in reversed(self._stack):
            if scope.is_class:
                if not is_inside and name in scope.names:
                    return Attribute(name)
                continue
            is_inside = True
            if name in scope.imports:
                target = scope.imports[name]
                return self._library.member(*target) if isinstance(target, Place) else target
            if name in scope.names:
                if name not in scope.numbers:
                    scope.numbers[name] = self._count
                    self._count += 1
                return f"local {scope.numbers[name]}"
        return self._library.meaning(self._module, name)
