"""Hash what decides a task's episodes, so that stale demonstrations are told from present ones."""

import hashlib
import json
from functools import lru_cache

from envs.hashing.bindings import Place
from envs.hashing.definitions import Definitions
from envs.hashing.sources import find_source
from envs.hashing.text import code_hash
from envs.registry import TASKS, TaskEntry, check_extra, check_task_name

HASH_KIND = 2
"""Of which kind the hashes are; results that do not say it hold hashes of the first kind, which
changed with every rename and are equal to none of today's."""

ENGINE = "envs.world:World"


@lru_cache(maxsize=256)
def task_hash(name: str, *besides: str) -> str:
    """Hash what a task, its expert and the engine reach, as 64 hexadecimal digits.

    It is taken from the sources' syntax trees, definition by definition, with names replaced: no
    episode is run, and no comment, docstring, annotation, order, name or place of a definition
    counts. Constants, strings, statements and data files do. Neither the machine nor the version of
    Python matters.

    Args:
        name: Name of the task.
        besides: More places to begin at, "module:name": what else decides something.

    Raises:
        ValueError: The task is not registered, what it needs is not installed, or its source
            cannot be read.
    """
    check_task_name(name)
    check_extra(name)
    return entry_hash(TASKS[name], installed_definitions(), *besides)


def entry_hash(entry: TaskEntry, definitions: Definitions, *besides: str) -> str:
    """Hash a task by its entry in the registry."""
    places = (entry.task, entry.expert, ENGINE, *besides)
    roots = [Place(*place.split(":", 1)) for place in places]
    facts = [entry.horizon, entry.version, entry.twin_of, entry.has_goal]
    text = json.dumps([*facts, code_hash(definitions, roots)])
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def installed_definitions() -> Definitions:
    """Return the definitions of the code that runs here."""
    return Definitions(find_source)
