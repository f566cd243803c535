"""Task hashes: detect demonstrations and results made with other code."""

import hashlib
import json
from functools import lru_cache

from envs.entries import TaskEntry
from envs.hand.catalogue import HANDS, find_hand
from envs.hashing.bindings import Place
from envs.hashing.definitions import Definitions, installed_definitions
from envs.hashing.text import code_hash
from envs.registry import TASKS, check_extra, check_task_name

HASH_KIND = 2
"""Version of the hash algorithm. Results without this field use version 1, whose hashes changed
with every rename and never equal those of version 2."""

ENGINE = "envs.world:World"
DRAWING = ("cameras", "views")
"""What a task says about how it is drawn. It counts only where the code of episodes reads it."""


@lru_cache(maxsize=256)
def task_hash(name: str, *additional: str) -> str:
    """Hash what a task, its expert and the engine reach, as 64 hexadecimal digits.

    The hash is computed from the syntax tree of each definition, with names replaced; no episode
    is run. Comments, docstrings, annotations, the order, name and module of a definition and the
    cameras of a task do not affect it. Constants, strings, statements and data files do. It does
    not depend on the machine or the version of Python. A task on a described hand is hashed with
    the hand's description and the content of the model that would be loaded.

    Args:
        name: Name of the task.
        additional: Additional definitions to include, each "module:name".

    Raises:
        ValueError: The task is not registered, what it needs is not installed, or its source
            cannot be read.
    """
    check_task_name(name)
    check_extra(name)
    return entry_hash(TASKS[name], installed_definitions(), *additional)


def entry_hash(entry: TaskEntry, definitions: Definitions, *additional: str) -> str:
    """Hash a task by its entry in the registry."""
    places = (entry.task, entry.expert, ENGINE, *additional)
    facts: list[object] = [entry.horizon, entry.version, entry.twin_of, entry.has_goal]
    if entry.hand:
        places += (HANDS[entry.hand],)
        facts.append(find_hand(entry.hand).source.digest())
    roots = [Place(*place.split(":", 1)) for place in places]
    text = json.dumps([*facts, code_hash(definitions, roots, DRAWING)])
    return hashlib.sha256(text.encode()).hexdigest()
