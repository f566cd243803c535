"""Turn the names after `--task` into tasks that can run here."""

import sys
from collections.abc import Sequence

from envs.registry import TASKS, check_extra, has_extra, suite
from fmbench.config import ALL_TASKS
from fmbench.errors import FmbenchError


def choose_tasks(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks that `names` name, unknown names included: the configuration refuses them.

    "all" stands for the whole suite less the tasks whose extra is not installed, which one line
    on stderr names.

    Raises:
        FmbenchError: A task is named whose extra is not installed; says what to install.
    """
    if ALL_TASKS in names:
        absent = [name for name in suite() if not has_extra(name)]
        if absent:
            extras = ",".join(sorted({TASKS[name].extra for name in absent}))
            print(
                f"--task all goes on without {', '.join(absent)}: "
                f"they need pip install 'fmbench[{extras}]'",
                file=sys.stderr,
            )
        return runnable_suite()
    for name in names:
        if name in TASKS:
            try:
                check_extra(name)
            except ValueError as error:
                raise FmbenchError(str(error)) from None
    return tuple(names)


def runnable_suite() -> tuple[str, ...]:
    """Return what "all" stands for here."""
    return tuple(name for name in suite() if has_extra(name))
