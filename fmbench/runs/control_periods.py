"""The control periods of a run's tasks, by which a latency becomes a delay."""

from envs.registry import make_task
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.evaluation.acting import plan_acting
from fmbench.runs.run_plugins import files_of_task


def control_periods(config: RunConfig) -> dict[str, float] | None:
    """Return the duration of a control step of each task [s]; None if no policy acts delayed.

    Args:
        config: The run.

    Raises:
        RunFailed: A user's task cannot be built.
    """
    acting, _ = plan_acting(config)
    if not any(acting.values()):
        return None
    periods = {}
    for task in config.task:
        with users_code(task, files_of_task(task)):
            periods[task] = make_task(task).control_period_s
    return periods
