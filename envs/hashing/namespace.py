"""Say what a name means at the top level of a module, from the module's syntax tree alone."""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from envs.hashing.sources import Finder, Source


class Place(NamedTuple):
    """A definition of ours: a function, a class or a variable at the top level of a module."""

    module: str
    name: str


class Dotted(NamedTuple):
    """A module of ours, or anything outside, by its full name: `numpy.random.Generator`."""

    path: str


class Value(NamedTuple):
    """What an assignment gives to one name: an expression, or an item of its value.

    Attributes:
        expression: The right-hand side.
        items: The way to the item where several names are assigned at once.
    """

    expression: ast.expr
    items: tuple[int, ...] = ()


Writer = ast.stmt | Value
COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
NAMED_PARTS = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)


class Module:
    """The names of one module.

    Attributes:
        name: The module's name.
        source: Its source.
        writers: What each name that the module defines gets its value from, in order.
    """

    def __init__(self, name: str, source: Source) -> None:
        self.name, self.source = name, source
        self.writers: dict[str, list[Writer]] = {}
        self.imports: dict[str, Dotted | Place] = {}
        self.stars: list[str] = []
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
                for name in sorted({*bound_names([statement]), *changed_names(statement)}):
                    self._add(name, statement)
            else:
                for name, value in assigned(statement):
                    self._add(name, value)
                for name in changed_names(statement):
                    self._add(name, statement)

    def _add(self, name: str, writer: Writer) -> None:
        self.writers.setdefault(name, []).append(writer)

    def _read_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for name, target in imported(statement, self.name, self.source.is_package).items():
            if name == "*":
                self.stars.append(target[0])
            else:
                self.imports[name] = target


class Library:
    """The modules of ours, each read once."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module of ours, or None."""
        if name not in self._modules:
            source = self._find(name)
            self._modules[name] = None if source is None else Module(name, source)
        return self._modules[name]

    def meaning(self, module: Module, name: str) -> Place | Dotted:
        """Return what a name means at the top level of a module; the rest are built in."""
        return self._own(module, name, ()) or Dotted(f"builtins.{name}")

    def member(self, module: str, name: str, seen: tuple[Place, ...] = ()) -> Place | Dotted:
        """Return what `module.name` means; `seen` are the names that led here."""
        found = self.module(module)
        meaning = None if found is None else self._own(found, name, seen)
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
        if name in module.writers:
            return here
        for star in module.stars:
            found = self.module(star)
            meaning = None if found is None else self._own(found, name, seen)
            if meaning is not None:
                return meaning
        return None


def imported(
    statement: ast.Import | ast.ImportFrom, module: str, is_package: bool
) -> dict[str, Dotted | Place]:
    """Return what each name that an import statement binds stands for."""
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
        kept = len(parents) - statement.level + is_package
        source = ".".join([*parents[:kept], *filter(None, [source])])
    return {alias.asname or alias.name: Place(source, alias.name) for alias in statement.names}


def assigned(statement: ast.stmt) -> Iterator[tuple[str, Value]]:
    """Yield each name that an assignment binds as a whole, and what it gets."""
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
            names.add(root_of(function) if isinstance(function, ast.Attribute) else None)
    return {name for name in names if name}


def root_of(node: ast.expr) -> str | None:
    """Return the name that an expression of attributes and items begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_for_types(statement: ast.If) -> bool:
    """Return whether a block is read by type checkers alone."""
    test = statement.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements bind in their own scope; imports bind apart from these."""
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
