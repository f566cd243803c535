"""Add tasks and policies of your own to a run, from your own file."""

from envs.experts.base import Expert
from envs.registry import add_task
from envs.task import Task
from fmbench.config import KNOWN_POLICIES
from policies.objectives import add_objective
from policies.objectives.base import Objective


def register_task(task: type[Task], expert: type[Expert]) -> None:
    """Make a task and its expert known by the task's name.

    Raises:
        ValueError: Another task has that name.
    """
    add_task(task, expert)


def register_policy(name: str, objective: type[Objective]) -> None:
    """Make an objective known as a policy called `name`.

    Raises:
        ValueError: Another policy has that name.
    """
    add_objective(name, objective)
    KNOWN_POLICIES.append(name)
