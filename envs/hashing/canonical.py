"""Write a syntax tree as tokens, without docstrings and annotations, local names numbered."""

import ast
from collections.abc import Sequence

from envs.hashing.bindings import Place, Value, bound_names
from envs.hashing.class_bodies import ClassKind, class_items, class_kind, is_idle
from envs.hashing.expressions import ExpressionWriter
from envs.hashing.scopes import Scope, Scopes
from envs.hashing.tokens import Attribute, Parameter, Reference

Function = ast.FunctionDef | ast.AsyncFunctionDef
BODIES = ("body", "orelse", "finalbody")
FOR_TYPES = {"typing.override", "typing.final", "typing_extensions.override"}


class Writer(ExpressionWriter):
    """Write the functions, classes and statements of one definition."""

    def write_function(self, node: Function, is_method: bool = False) -> None:
        """Write a function without its name: decorators, defaults, parameters, body."""
        self.tokens.append(f"{type(node).__name__}(")
        self._write_decorators(node)
        decorators = map(self.scopes.path, node.decorator_list)
        is_static = "builtins.staticmethod" in decorators
        self._write_callable(node.args, node.body, is_method and not is_static)
        self.tokens.append(")")

    def write_class(self, node: ast.ClassDef) -> None:
        """Write a class nested in another definition, in order."""
        kind = class_kind(node, self.scopes)
        self.write_class_head(node, kind)
        self.scopes.enter(class_scope(node, self.scopes))
        for item in class_items(node, kind):
            self.tokens += [item.kind, Attribute(item.name, True, kind.stays)]
            self.write_item(item.content)
        self.scopes.leave()
        self.tokens.append("end class")

    def write_class_head(self, node: ast.ClassDef, kind: ClassKind) -> None:
        """Write a class's decorators, bases and keywords."""
        self.tokens.append("class(")
        self.write(
            [part for part in node.decorator_list if self.scopes.path(part) not in FOR_TYPES]
        )
        for base in kind.bases:
            if isinstance(base, Place):
                self.tokens.append(Reference(base, is_base=True))
            else:
                self.write(base)
        for keyword in node.keywords:
            self.tokens.append(f"{keyword.arg}=")
            self.write(keyword.value)
        self.tokens.append(")")

    def write_item(self, content: ast.stmt | Value | str) -> None:
        """Write the content of one part of a class body."""
        if isinstance(content, Function):
            self.write_function(content, is_method=True)
        elif isinstance(content, ast.ClassDef):
            self.write_class(content)
        elif isinstance(content, Value):
            self.write_value(content)
        elif isinstance(content, str):
            self.tokens.append(content)
        else:
            self.write(content)

    def _write_decorators(self, node: Function | ast.ClassDef) -> None:
        paths = map(self.scopes.path, node.decorator_list)
        pairs = zip(node.decorator_list, paths, strict=True)
        self.write([part for part, path in pairs if path not in FOR_TYPES])

    def _write_body(self, statements: Sequence[ast.stmt]) -> None:
        self.tokens.append("[")
        for statement in statements:
            if not is_idle(statement):
                self.write(statement)
        self.tokens.append("]")

    def _write_field(self, field: str, value: object) -> None:
        if field in BODIES and isinstance(value, list):
            self._write_body(value)
        elif field in ("name", "rest") and isinstance(value, str):
            self.tokens.append(self.scopes.token(value))
        else:
            self.write(value)

    def _write_callable(
        self, arguments: ast.arguments, body: list[ast.stmt] | ast.expr, is_method: bool
    ) -> None:
        self.write(arguments.defaults)
        for default in arguments.kw_defaults:
            self.write("required" if default is None else default)
        statements: Sequence[ast.AST] = body if isinstance(body, list) else [body]
        names = bound_names(statements) | {part.arg for part in all_arguments(arguments)}
        self.scopes.enter(Scope(names, self.scopes.imports(statements)))
        for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            self.tokens.append(kind)
            part = getattr(arguments, kind)
            for argument in part if isinstance(part, list) else filter(None, [part]):
                self.tokens += [self.scopes.token(argument.arg), Parameter(argument.arg)]
        if is_method and (first := parameters(arguments)[:1]):
            self._me.add(self.scopes.token(first[0]))
        if isinstance(body, list):
            self._write_body(body)
        else:
            self.write(body)
        self.scopes.leave()

    def _write_FunctionDef(self, node: Function) -> None:  # noqa: N802
        self.tokens.append(self.scopes.token(node.name))
        self.write_function(node)

    _write_AsyncFunctionDef = _write_FunctionDef  # noqa: N815

    def _write_ClassDef(self, node: ast.ClassDef) -> None:  # noqa: N802
        self.tokens.append(self.scopes.token(node.name))
        self.write_class(node)

    def _write_Lambda(self, node: ast.Lambda) -> None:  # noqa: N802
        self.tokens.append("Lambda(")
        self._write_callable(node.args, node.body, is_method=False)
        self.tokens.append(")")

    def _write_AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: N802
        if node.value is not None:
            self.write(ast.Assign(targets=[node.target], value=node.value))


def class_scope(node: ast.ClassDef, scopes: Scopes) -> Scope:
    """Return the scope of a class body."""
    return Scope(bound_names(node.body), scopes.imports(node.body), is_class=True)


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Return every parameter, `*args` and `**kwargs` included."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*named, *filter(None, [arguments.vararg, arguments.kwarg])]


def parameters(arguments: ast.arguments) -> tuple[str, ...]:
    """Return the names of the parameters without `*args` and `**kwargs`."""
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return tuple(part.arg for part in named)
