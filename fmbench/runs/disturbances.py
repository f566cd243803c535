"""Disturbances of a run: checked before any work, and evaluated for each headline and expert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from envs.perturb.catalogue import AXES
from envs.perturb.world import axis_class, lack_of
from envs.registry import make_task
from fmbench.cli.user_code import users_code
from fmbench.config import STATE
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.disturbances import axis_of, disturbed_cells, possible_disturbances
from fmbench.runs.run_plugins import files_of_task
from fmbench.storage.episode_files import Episodes

SHAPES = frozenset({"geom_size", "geom_pos", "geom_quat", "body_pos", "body_quat"})
"""Fields of the model that decide how a scene looks."""


def check_disturbances(
    settings: Sequence[str], tasks: Sequence[str], observation: str, whose: str = ""
) -> dict[str, tuple[str, ...]]:
    """Check that a run can be disturbed so; return the disturbances of each task.

    Args:
        settings: The disturbances, e.g. "mass=2".
        tasks: The tasks of the run.
        observation: What its policies observe.
        whose: Whose policies they are, for the message, e.g. " of runs/try".

    Raises:
        FmbenchError: No task can be disturbed so, or policies see pictures, which do not show it.
    """
    possible = {task: _possible(task, settings) for task in tasks} if settings else {}
    for text in settings:
        if observation != STATE and (reason := _unseen(text)):
            others = " ".join(axis for axis in AXES if not _unseen(_any_level(axis)))
            raise FmbenchError(
                f"--perturb {text} changes {reason}, but the policies{whose} see pictures; axes "
                f"for them: {others}"
            )
        if not any(text in texts for texts in possible.values()):
            task = make_task(tasks[0])
            have = sorted(axis for axis in AXES if not lack_of(task, _any_level(axis)))
            others = f", and so do the other {len(tasks) - 1} tasks" if len(tasks) > 1 else ""
            raise FmbenchError(
                f"--perturb {text}: {tasks[0]} lacks this axis, because {lack_of(task, text)}"
                f"{others}; it has {', '.join(have)}"
            )
    return possible


def skipped_disturbances(
    possible: Mapping[str, Sequence[str]], settings: Sequence[str]
) -> list[str]:
    """Return one line for each disturbance that some tasks of a run lack.

    Args:
        possible: What `check_disturbances` returns.
        settings: The disturbances of the run.
    """
    lines = []
    for text in settings:
        tasks = [task for task, texts in possible.items() if text not in texts]
        if tasks:
            reason = lack_of(make_task(tasks[0]), text)
            lines.append(f"skipped {text} on {', '.join(tasks)}: {reason}")
    return lines


def disturbed_episodes(
    cell: Cell, settings: Sequence[str], play: Callable[[Cell], Episodes]
) -> Episodes:
    """Return the episodes of a headline or an expert with each disturbance that it can have.

    Args:
        cell: The cell without disturbance.
        settings: The disturbances of the run.
        play: Returns the episodes of a cell.
    """
    episodes = Episodes()
    for disturbed in disturbed_cells(cell, settings):
        with users_code(disturbed.name, list(axis_of(disturbed.perturb).files)):
            episodes += play(disturbed)
    return episodes


def _possible(task: str, settings: Sequence[str]) -> tuple[str, ...]:
    files = [*files_of_task(task), *(file for text in settings for file in axis_of(text).files)]
    with users_code(f"{task} {' '.join(settings)}", files):
        return possible_disturbances(task, settings)


def _unseen(text: str) -> str:
    """Return what a disturbance changes that pictures do not show; "" if they show it.

    Pictures are functions of positions and of what the task has drawn.
    """
    if axis_of(text).sees:
        return "observed numbers"
    changed = SHAPES.intersection(axis_class(text.partition("=")[0]).model_fields)
    return "shapes, which are drawn as without it" if changed else ""


def _any_level(axis: str) -> str:
    return f"{axis}={'on' if AXES[axis].is_switch else AXES[axis].levels[0]}"
