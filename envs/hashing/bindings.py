"""The names that a statement binds, imports or changes."""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Place(NamedTuple):
    """A first-party definition: a function, class or variable at the top level of a module."""

    module: str
    name: str


class Dotted(NamedTuple):
    """A first-party module, or anything external, by its full name: `numpy.random.Generator`."""

    path: str


class Value(NamedTuple):
    """The value that an assignment binds to one name: an expression, or an item of its value.

    Attributes:
        expression: The right-hand side.
        items: The indices of the item where several names are assigned at once.
    """

    expression: ast.expr
    items: tuple[int, ...] = ()


Origin = ast.stmt | Value
COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
NAMED_PARTS = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)


def imported(
    statement: ast.Import | ast.ImportFrom, module: str, is_package: bool
) -> dict[str, Dotted | Place]:
    """Return what each name bound by an import statement refers to."""
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: Dotted(
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            for alias in statement.names
        }
    source = statement.module or ""
    if statement.level:
        parents = module.split(".")
        depth = len(parents) - statement.level + is_package
        source = ".".join([*parents[:depth], *filter(None, [source])])
    return {alias.asname or alias.name: Place(source, alias.name) for alias in statement.names}


def assigned(statement: ast.stmt) -> Iterator[tuple[str, Value]]:
    """Yield each name that an assignment binds completely, and its value."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _parts(target, Value(statement.value))
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _parts(statement.target, Value(statement.value))


def _parts(target: ast.expr, value: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        whole = value.expression
        is_split = isinstance(whole, ast.Tuple | ast.List) and not value.items
        is_split &= len(getattr(whole, "elts", ())) == len(target.elts)
        is_split &= not any(
            isinstance(part, ast.Starred) for part in (*target.elts, *getattr(whole, "elts", ()))
        )
        for k, part in enumerate(target.elts):
            inner, place = (part.value, -1 - k) if isinstance(part, ast.Starred) else (part, k)
            item = Value(whole, (*value.items, place))
            yield from _parts(inner, Value(whole.elts[k]) if is_split else item)  # type: ignore[attr-defined]


def changed_names(statement: ast.stmt) -> set[str]:
    """Return the names whose objects a statement changes: `X[k] = 1`, `X += 1`, `X.append(1)`."""
    names: set[str | None] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.AugAssign):
            names.add(root_of(node.target))
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            names.add(root_of(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute):
                names.add(root_of(function))
            elif isinstance(function, ast.Name) and function.id in ("setattr", "delattr"):
                names.add(root_of(node.value.args[0]))
    return {name for name in names if name}


def given_names(statement: ast.stmt) -> set[str]:
    """Return the names passed to calls whose result is discarded: `fill(X)`."""
    calls = (node.value for node in ast.walk(statement) if isinstance(node, ast.Expr))
    parts = (part for call in calls if isinstance(call, ast.Call) for part in call_arguments(call))
    return {name for part in parts if (name := root_of(part))}


def call_arguments(call: ast.Call) -> list[ast.expr]:
    """Return the positional and keyword arguments of a call."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def root_of(node: ast.expr) -> str | None:
    """Return the first name of an expression of attributes and items."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_for_types(statement: ast.If) -> bool:
    """Return whether only type checkers read a block."""
    test = statement.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements bind in their own scope, without imports."""
    names: set[str] = set()
    outer: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            if not isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                names.add(node.id)  # type: ignore[attr-defined]
        elif kind in DEFINITIONS:
            names.add(node.name)  # type: ignore[attr-defined]
        elif kind in COMPREHENSIONS:
            walrus = (part for part in ast.walk(node) if isinstance(part, ast.NamedExpr))
            names.update(part.target.id for part in walrus)
        elif kind is ast.Global or kind is ast.Nonlocal:
            outer.update(node.names)  # type: ignore[attr-defined]
        elif kind is not ast.Lambda and kind is not ast.Constant:
            if kind in NAMED_PARTS:
                names.add(getattr(node, "name", None) or getattr(node, "rest", None) or "")
            waiting += ast.iter_child_nodes(node)
    return names - outer - {""}
