"""Resolution of `--task` into the tasks that are installed here."""

import sys
from collections.abc import Sequence

from envs.on_hands import HANDS, check_hand, on_hand, task_on_hand
from envs.registry import ON_HAND, TASKS, check_extra, has_extra, suite
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.config import ALL_TASKS
from fmbench.errors import ExtraMissing, FmbenchError

SANITY, RANKED = "sanity check", "ranking"
"""Tiers of tasks."""


def choose_tasks(
    names: Sequence[str], hand: str | None = None, are_played: bool = True
) -> tuple[str, ...]:
    """Return the tasks for `names`; unknown names are kept for the configuration to reject.

    "all" stands for the complete suite except tasks whose extra is not installed; one line on
    stderr lists those. With a hand it stands for the tasks on it.

    Args:
        names: Names of tasks, or "all".
        hand: The hand on which they are meant.
        are_played: Whether they are played here; if not, extras need not be installed, and "all"
            is the complete suite.

    Raises:
        ExtraMissing: The extra of a task is not installed; the message states what to do.
        FmbenchError: There is no such task on the hand, or the hand cannot be loaded.
    """
    if hand is not None and (hand, ALL_TASKS) != ("fmbench", *names):
        names = _on_hand(names, hand)
    if not are_played:
        return suite() if ALL_TASKS in names else tuple(names)
    if ALL_TASKS in names:
        missing = [name for name in suite() if not has_extra(name)]
        if missing:
            extras = ",".join(sorted({TASKS[name].extra for name in missing}))
            print(
                f"--task all skips {', '.join(missing)}; to include them: "
                f"pip install 'fmbench[{extras}]'",
                file=sys.stderr,
            )
        return runnable_suite()
    for name in names:
        if name in TASKS:
            try:
                check_extra(name)
            except ValueError as error:
                raise ExtraMissing(str(error)) from None
            try:
                if TASKS[name].hand:
                    import_mujoco()
                    check_hand(name)
            except ValueError as error:
                raise FmbenchError(str(error)) from None
    return tuple(names)


def _on_hand(names: Sequence[str], hand: str) -> Sequence[str]:
    """Return the names of tasks on a hand."""
    if ALL_TASKS in names and hand in HANDS:
        names = [task for task in ON_HAND if on_hand(task, hand) in TASKS]
    try:
        return [task_on_hand(name, hand) for name in names]
    except ValueError as error:
        raise FmbenchError(str(error)) from None


def runnable_suite() -> tuple[str, ...]:
    """Return the tasks that "all" stands for here."""
    return tuple(name for name in suite() if has_extra(name))


def tiers() -> dict[str, str]:
    """Return the tier of every registered task."""
    return {name: SANITY if entry.is_sanity else RANKED for name, entry in TASKS.items()}
