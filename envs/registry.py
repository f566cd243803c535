"""Name every task once: where its class and its expert's class are, loaded when asked for."""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # registering the ids must not import mujoco
    from envs.experts.base import Expert
    from envs.task import Task
    from envs.world import World


@dataclass(frozen=True)
class TaskEntry:
    """What Gymnasium must know of a task before its class is imported.

    Attributes:
        module: Its module under envs.tasks and envs.experts; the classes are <Name> and
            <Name>Expert.
        horizon: The class's `horizon` [control steps].
        version: The class's `version`.
    """

    module: str
    horizon: int
    version: int = 0


TASKS: dict[str, TaskEntry] = {
    "ReachPose": TaskEntry("reach_pose", horizon=60),
    "TurnDial": TaskEntry("turn_dial", horizon=200),
    "LiftCube": TaskEntry("lift_cube", horizon=150),
    "PickEither": TaskEntry("pick_either", horizon=120),
    "PressEither": TaskEntry("press_either", horizon=80),
}


def task_id(name: str) -> str:
    """Return a task's Gymnasium id without importing the task."""
    return f"fmbench/{name}-v{TASKS[name].version}"


def check_task_name(name: str) -> None:
    """Refuse a task that is not registered.

    Raises:
        ValueError: Names the known tasks, and those that look like `name`.
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=2)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"Unknown task {name!r}; known: {', '.join(TASKS)}.{hint}")


@lru_cache(maxsize=64)
def make_task(name: str) -> Task:
    """Return the task called `name`, compiled once per process.

    Raises:
        ValueError: The task is not registered.
    """
    check_task_name(name)
    module = importlib.import_module(f"envs.tasks.{TASKS[name].module}")
    task: Task = getattr(module, name)()
    return task


def make_expert(world: World) -> Expert:
    """Return the scripted expert of the world's task."""
    module = importlib.import_module(f"envs.experts.{TASKS[world.task.name].module}")
    expert: Expert = getattr(module, f"{world.task.name}Expert")(world)
    return expert


@lru_cache(maxsize=64)
def task_hash(name: str) -> str:
    """Hash what decides a demonstration: the compiled scene, the task, its expert, the engine.

    The sources are the task's and the expert's modules and every module of `envs` that they
    import. Comments and docstrings do not count, so a better text keeps the demonstrations valid.
    """
    digest = hashlib.sha256(make_task(name).spec.to_xml().encode())
    module = TASKS[name].module
    waiting = [f"envs.tasks.{module}", f"envs.experts.{module}"]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += _imported_modules(current)
    for current in sorted(seen):
        digest.update(ast.dump(_code(current)).encode())
    return digest.hexdigest()


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
