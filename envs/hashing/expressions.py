"""Write expressions as tokens, with names resolved."""

import ast

from envs.hashing.bindings import Place, Value, bound_names
from envs.hashing.namespace import Library, Module
from envs.hashing.scopes import Scope, Scopes
from envs.hashing.tokens import Attribute, Keyword, Reference, Reflection, Token

# Annotations, and fields that newer versions of Python add: none of them is executed.
IGNORED = {"annotation", "returns", "type_comment", "type_params", "ctx", "kind"}
BY_NAME = {f"builtins.{name}" for name in ("getattr", "hasattr", "setattr", "delattr")}
REFLECTIONS = {
    *("builtins.vars", "builtins.dir", "inspect.getmembers"),
    *("operator.attrgetter", "operator.methodcaller"),
    *(f"dataclasses.{name}" for name in ("asdict", "astuple", "fields", "replace")),
}
REFLECTING_ATTRIBUTES = {"__dict__", "_asdict"}
OWN_NAMES = {"__name__", "__qualname__"}  # reading these makes the name of a definition matter


class ExpressionWriter:
    """Write the expressions of one definition.

    Args:
        library: Where names are looked up.
        module: The module that contains the definition.
        body: The class body that contains it, if any.

    Attributes:
        tokens: The tokens written so far.
        texts: The string literals among them.
    """

    def __init__(self, library: Library, module: Module, body: Scope | None = None) -> None:
        self.tokens: list[Token] = []
        self.texts: list[str] = []
        self.scopes = Scopes(library, module)
        if body is not None:
            self.scopes.enter(body)
        self._me: set[Token] = set()  # tokens that refer to `self`
        self._is_raising = False

    def write(self, node: object) -> None:
        """Write a node, a list of nodes or a plain value."""
        if isinstance(node, list):
            self.tokens.append("[")
            for part in node:
                self.write(part)
            self.tokens.append("]")
        elif isinstance(node, ast.AST):
            getattr(self, f"_write_{type(node).__name__}", self._write_fields)(node)
        else:
            self.tokens.append(ascii(node))

    def write_value(self, value: Value) -> None:
        """Write the value that an assignment binds to one name."""
        self.tokens += [f"item {k}" for k in value.items]
        self.write(value.expression)

    def _write_fields(self, node: ast.AST) -> None:
        self.tokens.append(f"{type(node).__name__}(")
        for field, value in ast.iter_fields(node):
            # Newer versions of Python add fields to existing node types, usually empty.
            if field not in IGNORED and value is not None and value != []:
                self.tokens.append(f"{field}=")
                self._write_field(field, value)
        self.tokens.append(")")

    def _write_field(self, field: str, value: object) -> None:
        del field
        self.write(value)

    def _write_Constant(self, node: ast.Constant) -> None:  # noqa: N802
        if isinstance(node.value, str):
            self.texts.append(node.value)
        self.tokens.append(ascii(node.value))

    def _write_Name(self, node: ast.Name) -> None:  # noqa: N802
        self.tokens.append(self.scopes.token(node.id))

    def _write_Attribute(self, node: ast.Attribute) -> None:  # noqa: N802
        meaning = self.scopes.meaning(node)
        if meaning is not None:
            self.tokens.append(Reference(meaning) if isinstance(meaning, Place) else meaning.path)
            return
        self.write(node.value)
        is_mine = isinstance(node.value, ast.Name) and self.tokens[-1] in self._me
        if self._is_raising and node.attr in OWN_NAMES:
            self.tokens.append(f".{node.attr}")  # in an error message, without effect on behaviour
            return
        self.tokens.append(Attribute(node.attr, is_mine and not isinstance(node.ctx, ast.Load)))
        if node.attr in REFLECTING_ATTRIBUTES:
            self.tokens.append(Reflection())

    def _write_Raise(self, node: ast.Raise) -> None:  # noqa: N802
        self._is_raising = True
        self._write_fields(node)
        self._is_raising = False

    def _write_Call(self, node: ast.Call) -> None:  # noqa: N802
        path = self.scopes.path(node.func)
        if path == "typing.cast" and len(node.args) == 2:
            self.write(node.args[1])
            return
        self.tokens.append("Call(")
        self.write(node.func)
        for k, argument in enumerate(node.args):
            names_attribute = path in BY_NAME and k == 1
            if names_attribute and isinstance(argument, ast.Constant):
                self.tokens.append(Attribute(str(argument.value)))
                continue
            self.write(argument)
            if names_attribute or path in REFLECTIONS:
                self.tokens.append(Reflection())
        is_partial = path == "functools.partial" and bool(node.args)
        callee = self._callee(node.args[0] if is_partial else node.func)
        for keyword in node.keywords:
            word = keyword.arg or "**"
            is_outside = bool(path) and not is_partial
            self.tokens.append(f"{word}=" if is_outside else Keyword(word, callee))
            self.write(keyword.value)
        self.tokens.append(")")

    def _callee(self, function: ast.expr) -> Place | str | None:
        """Return the function or class that is called, a method's name, or None."""
        meaning = self.scopes.meaning(function)
        if isinstance(meaning, Place):
            return meaning
        return function.attr if isinstance(function, ast.Attribute) else None

    def _write_comprehension_of(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        self.tokens.append(f"{type(node).__name__}(")
        first, *others = node.generators
        self.write(first.iter)  # evaluated in the enclosing scope
        targets = bound_names([generator.target for generator in node.generators])
        self.scopes.enter(Scope(targets))
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.write([first.target, *first.ifs, *others, *results])
        self.tokens.append("async)" if first.is_async else ")")
        self.scopes.leave()

    _write_ListComp = _write_SetComp = _write_DictComp = _write_comprehension_of  # noqa: N815
    _write_GeneratorExp = _write_comprehension_of  # noqa: N815

    def _write_JoinedStr(self, node: ast.JoinedStr) -> None:  # noqa: N802
        """Write an f-string with adjacent pieces of plain text joined."""
        text = ""
        self.tokens.append("JoinedStr(")
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += str(part.value)
                continue
            self.tokens += [ascii(text)] if text else []
            text = ""
            self.write(part)
        self.tokens += [ascii(text)] if text else []
        self.tokens.append(")")
