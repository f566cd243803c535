"""The canonical text of each first-party definition, written once."""

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from envs.hashing.bindings import FUNCTIONS, Dotted, Origin, Place, Value, changed_names
from envs.hashing.canonical import Writer, class_scope, parameters
from envs.hashing.class_bodies import class_items, class_kind
from envs.hashing.namespace import Library, Module
from envs.hashing.scopes import Scopes
from envs.hashing.sources import Finder, find_source
from envs.hashing.tokens import Attribute, Name, Reference, Title, Token

ELSEWHERE = ""
"""Name of the pseudo-definition that holds a module's changes to other modules; every definition of
the module refers to it."""


@dataclass(frozen=True)
class Text:
    """The canonical text of a function, a variable or a part of a class.

    Attributes:
        tokens: The text, with names not yet replaced.
        names: The tokens that are names.
        texts: The string literals in it.
        folder: The folder of its module.
        parameters: A function's parameters.
        is_method: Whether it is a method or a nested class, not an attribute.
        goes_on: Whether a method calls `super`, so that the next class's method counts too.
    """

    tokens: tuple[Token, ...]
    names: tuple[Name, ...]
    texts: tuple[str, ...]
    folder: Path
    parameters: tuple[str, ...]
    is_method: bool
    goes_on: bool


@dataclass(frozen=True)
class Class:
    """The canonical text of a class.

    Attributes:
        head: Decorators, bases, fields and loose statements.
        bases: Its first-party base classes.
        fields: Names of its fields, in order.
        members: The texts of each other name.
        stays: Whether external code reads its names and may call its methods.
        has_fields: Whether names with only an annotation count.
    """

    head: Text
    bases: tuple[Place, ...]
    fields: tuple[str, ...]
    stays: bool
    has_fields: bool
    members: dict[str, list[Text]] = field(default_factory=dict)


class Definitions:
    """The definitions of a library, each written on first use."""

    def __init__(self, find: Finder) -> None:
        self._library = Library(find)
        self._written: dict[Place, Text | Class] = {}

    def __getitem__(self, place: Place) -> Text | Class:
        """Return the definition at a place.

        Raises:
            ValueError: There is no such definition, or its source cannot be read.
        """
        if place not in self._written:
            self._written[place] = self._write(place)
        return self._written[place]

    def class_at(self, place: Place) -> Class | None:
        """Return the class defined at a place, or None if it is not a class."""
        definition = self[place]
        return definition if isinstance(definition, Class) else None

    def find(self, place: Place) -> Place:
        """Return where a name, which may be imported, is defined."""
        meaning = self._library.member(*place)
        return meaning if isinstance(meaning, Place) else place

    def line(self, place: Place) -> list[Place]:
        """Return a class and its first-party bases in method resolution order."""
        definition = self.class_at(place)
        if definition is None:
            return []
        lines = [self.line(base) for base in definition.bases]
        classes = [place, *(owner for line in lines for owner in line)]
        return list(dict.fromkeys(reversed(classes)))[::-1]  # the last occurrence of each

    def _write(self, place: Place) -> Text | Class:
        module = self._library.module(place.module)
        origins = [] if module is None else self._origins(module, place.name)
        if module is None or not origins:
            raise ValueError(
                f"The source of {place.module}:{place.name} cannot be read; tasks are identified "
                "by their source: define yours in a file, at its top level."
            )
        if isinstance(origins[0], ast.ClassDef):
            return self._class(module, origins[0], origins[1:])
        writer = Writer(self._library, module)
        writer.tokens.append(Title(place.name))
        for origin in origins:
            if isinstance(origin, FUNCTIONS) and origin.name == place.name:
                writer.write_function(origin)
            else:
                _write_origin(writer, origin)
        first = origins[0]
        names = parameters(first.args) if isinstance(first, FUNCTIONS) else ()
        return self._text(writer, module, names)

    def _origins(self, module: Module, name: str) -> list[Origin]:
        """Return the statements and values that define a name."""
        return list(self._changes(module)) if name == ELSEWHERE else module.origins.get(name, [])

    def _changes(self, module: Module) -> list[ast.stmt]:
        """Return the statements that change definitions of other first-party modules."""
        scopes = Scopes(self._library, module)
        return [
            statement
            for statement in module.changes
            if any(self._is_ours(module, name) for name in changed_names(statement))
            and not (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Call)
                and isinstance(scopes.meaning(statement.value.func), Place)
            )
        ]

    def _is_ours(self, module: Module, name: str) -> bool:
        meaning = self._library.meaning(module, name)
        is_other = isinstance(meaning, Place) and meaning.module != module.name
        is_module = isinstance(meaning, Dotted) and self._library.module(meaning.path) is not None
        return is_other or is_module

    def _class(self, module: Module, node: ast.ClassDef, others: list[Origin]) -> Class:
        writer = Writer(self._library, module)
        kind = class_kind(node, writer.scopes)
        bases = tuple(base for base in kind.bases if isinstance(base, Place))
        for base in filter(None, map(self.class_at, bases)):
            has_fields = kind.has_fields or (base.stays and base.has_fields)
            kind = kind._replace(stays=kind.stays or base.stays, has_fields=has_fields)
        writer.tokens.append(Title(node.name))
        writer.write_class_head(node, kind)
        scope = class_scope(node, writer.scopes)
        writer.scopes.enter(scope)
        fields: list[str] = []
        members: dict[str, list[Text]] = {}
        for item in class_items(node, kind):
            is_field = item.kind.startswith("field") or (kind.stays and item.kind == "value")
            if is_field:
                fields.append(item.name)
            if is_field or not item.name:
                writer.tokens += [item.kind, Attribute(item.name, True, kind.stays)]
                writer.write_item(item.content)
                continue
            part = Writer(self._library, module, scope)
            part.write_item(item.content)
            content = item.content
            names = parameters(content.args) if isinstance(content, FUNCTIONS) else ()
            text = self._text(part, module, names, is_method=item.kind == "method")
            members.setdefault(item.name, []).append(text)
        writer.scopes.leave()
        for origin in others:
            _write_origin(writer, origin)
        return Class(
            self._text(writer, module), bases, tuple(fields), kind.stays, kind.has_fields, members
        )

    def _text(
        self, writer: Writer, module: Module, names: tuple[str, ...] = (), is_method: bool = False
    ) -> Text:
        """Return the written text with consecutive literal tokens joined."""
        tokens: list[Token] = []
        for is_word, group in groupby(writer.tokens, lambda token: isinstance(token, str)):
            if is_word:
                tokens.append("\n".join(map(str, group)))
            else:
                tokens.extend(group)
        if self._changes(module):
            tokens.append(Reference(Place(module.name, ELSEWHERE)))
        return Text(
            tokens=tuple(tokens),
            names=tuple(token for token in tokens if not isinstance(token, str)),
            texts=tuple(writer.texts),
            folder=module.source.path.parent,
            parameters=names,
            is_method=is_method,
            goes_on="builtins.super" in writer.tokens,
        )


@lru_cache(maxsize=1)
def installed_definitions() -> Definitions:
    """Return the definitions of the installed code."""
    return Definitions(find_source)


def _write_origin(writer: Writer, origin: Origin) -> None:
    if isinstance(origin, Value):
        writer.write_value(origin)
    else:
        writer.write(origin)
