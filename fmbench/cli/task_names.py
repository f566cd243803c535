"""Resolution of `--task` into the tasks that are installed here."""

import sys
from collections.abc import Sequence

from envs.registry import TASKS, check_extra, has_extra, suite
from fmbench.config import ALL_TASKS
from fmbench.errors import FmbenchError


def choose_tasks(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks for `names`; unknown names are kept for the configuration to reject.

    "all" stands for the complete suite except tasks whose extra is not installed; one line on
    stderr lists those.

    Raises:
        FmbenchError: The extra of a task is not installed; the message states what to install.
    """
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
                raise FmbenchError(str(error)) from None
    return tuple(names)


def runnable_suite() -> tuple[str, ...]:
    """Return the tasks that "all" stands for here."""
    return tuple(name for name in suite() if has_extra(name))
