"""Split a class body into bases, fields, methods and attributes."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from envs.hashing.bindings import FUNCTIONS, Dotted, Place, Value, assigned
from envs.hashing.scopes import Scopes

# External classes that neither inspect nor call the names that a subclass defines.
INDIFFERENT = {"builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic"}
TUPLE = "typing.NamedTuple"
ENUMERATIONS = "enum."
IDLE = (ast.Pass, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)


class ClassKind(NamedTuple):
    """The properties of a class that determine how its body is read.

    Attributes:
        bases: The first-party base classes, or expressions.
        stays: Whether external code reads the names that it defines, because the class or a
            first-party base inherits from an external class.
        has_fields: Whether names with only an annotation count, as in a dataclass.
    """

    bases: tuple[Place | ast.expr, ...]
    stays: bool
    has_fields: bool


class ClassItem(NamedTuple):
    """One part of a class body.

    Attributes:
        kind: "field", "method", "value" or "statement".
        name: The name that it defines, or "".
        content: A function, a class, a value, another statement, or a literal token.
    """

    kind: str
    name: str
    content: ast.stmt | Value | str


def class_kind(node: ast.ClassDef, scopes: Scopes) -> ClassKind:
    """Return the properties of a class."""
    bases: list[Place | ast.expr] = []
    stays, has_fields = False, bool(node.decorator_list)
    for base in node.bases:
        named = base.value if isinstance(base, ast.Subscript) else base
        meaning = scopes.meaning(named)
        bases.append(meaning if isinstance(meaning, Place) else named)
        path = meaning.path if isinstance(meaning, Dotted) else ""
        if not isinstance(meaning, Place) and path not in INDIFFERENT:
            has_fields |= not path.startswith(ENUMERATIONS)
            stays |= path != TUPLE
    return ClassKind(tuple(bases), stays, has_fields)


def class_items(node: ast.ClassDef, kind: ClassKind) -> Iterator[ClassItem]:
    """Yield the parts of a class body, without docstrings and imports."""
    for statement in node.body:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            yield ClassItem("method", statement.name, statement)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield from _annotated(statement, statement.target.id, kind.has_fields)
        elif isinstance(statement, ast.Assign) and _binds_names_alone(statement):
            for name, value in assigned(statement):
                yield ClassItem("value", name, value)
        elif not is_idle(statement):
            yield ClassItem("statement", "", statement)


def _annotated(statement: ast.AnnAssign, name: str, has_fields: bool) -> Iterator[ClassItem]:
    annotation = ast.unparse(statement.annotation)
    if has_fields and "ClassVar" not in annotation:
        special = [word for word in ("InitVar", "KW_ONLY") if word in annotation]
        kind = " ".join(["field", *special])
        yield ClassItem(kind, name, Value(statement.value) if statement.value else "required")
    elif statement.value is not None:
        yield ClassItem("value", name, Value(statement.value))


def _binds_names_alone(statement: ast.Assign) -> bool:
    parts = (part for target in statement.targets for part in ast.walk(target))
    return not any(isinstance(part, ast.Attribute | ast.Subscript) for part in parts)


def is_idle(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring, an import or declaration, or has no effect."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, IDLE) or (
        isinstance(statement, ast.AnnAssign) and statement.value is None
    )
