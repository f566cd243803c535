"""Hash what decides a demonstration, so that stale ones are told from present ones."""

import ast
import hashlib
import importlib
import inspect
from functools import lru_cache

from envs.registry import TASKS, make_task


@lru_cache(maxsize=64)
def task_hash(name: str) -> str:
    """Hash a task's compiled scene, the task itself, its expert and the engine.

    The sources are the task's and the expert's modules and every module of `envs` that they
    import. Comments and docstrings do not count, so a better text keeps the demonstrations valid;
    nor does the version of Python, so what one machine made another one accepts.
    """
    digest = hashlib.sha256(make_task(name).spec.to_xml().encode())
    entry = TASKS[name]
    waiting = [place.partition(":")[0] for place in (entry.task, entry.expert)]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += _imported_modules(current)
    for current in sorted(seen):
        digest.update(structure(_code(current)).encode())
    return digest.hexdigest()


def structure(node: object) -> str:
    """Write a syntax tree as text, without the fields that are empty.

    `ast.dump` writes those, and newer versions of Python add such fields to old kinds of node.
    """
    if isinstance(node, list):
        return f"[{', '.join(map(structure, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({', '.join(f'{k}={structure(v)}' for k, v in fields)})"


def _imported_modules(module_name: str) -> list[str]:
    """Return the modules of `envs` that a module imports from."""
    return [
        node.module
        for node in ast.walk(_code(module_name))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("envs.")
    ]


@lru_cache(maxsize=64)
def _code(module_name: str) -> ast.Module:
    """Return a module's syntax tree without docstrings."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module_name)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                node.body = body[1:]  # type: ignore[attr-defined]
    return tree
