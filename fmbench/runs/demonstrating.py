"""Demonstrations of a command: made or found with progress. Torch is not imported."""

from contextlib import nullcontext
from pathlib import Path

from fmbench.cli.folders import check_out
from fmbench.cli.progress import PartOfStage, Stage
from fmbench.cli.session import Session
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig, dataset_folder, load_demonstrations
from fmbench.runs.run_plugins import files_of_task
from fmbench.storage.locks import Waiting
from fmbench.storage.memory import needs_memory


def demonstrate_all(config: RunConfig, data: Path, session: Session) -> list[Path]:
    """Make the demonstrations of all tasks in one progress display; return their folders.

    All are loaded, those that were found and those that were written now.
    """
    folders = _demonstrate_all(config, data, session)
    for task, folder in zip(config.task, folders, strict=True):
        load_demonstrations(folder, task)
    return folders


def _demonstrate_all(config: RunConfig, data: Path, session: Session) -> list[Path]:
    if len(config.task) == 1:
        return [demonstrate(config, config.task[0], data, session)]
    units_per_task = 2 * config.demos
    with session.reporter.stage("demonstrations", units_per_task * len(config.task)) as stage:
        folders = []
        for k, task in enumerate(config.task):
            part = PartOfStage(stage, units_per_task * k)
            folders.append(demonstrate(config, task, data, session, part))
            part.update(units_per_task)
    return folders


def demonstrate(
    config: RunConfig,
    task: str,
    data: Path,
    session: Session,
    part: Stage | None = None,
) -> Path:
    """Make or find a task's demonstrations, report the outcome, and return their folder.

    Args:
        config: Their number and command noise.
        task: The task.
        data: Folder of all demonstrations.
        session: Progress display and requests to stop.
        part: Where to show progress instead, in two units per demonstration.
    """
    request = DemonstrationConfig(task, config.demos, config.noise)
    folder = dataset_folder(request, data)
    name = f"{task} demonstrations"
    if folder.exists():
        make_demonstrations(request, data)  # verifies every byte
        session.reporter.outlook.skip(name)
        session.reporter.say(f"{name}: found in {folder}")
        return folder
    check_out(data, "--data")
    waiting = Waiting(session.reporter.say, session.interrupts.stop_here)
    with (
        users_code(name, files_of_task(task)),
        nullcontext(part) if part else session.reporter.stage(name, 2 * config.demos) as stage,
    ):
        offset = {"expert": 0, "replay": config.demos}

        def count(pass_name: str, done: int) -> None:
            session.interrupts.stop_here()
            stage.update(offset[pass_name] + done)

        with needs_memory(name, "ask for fewer demonstrations"):
            _, report = make_demonstrations(request, data, count, waiting)
    if report is None:  # another process made them meanwhile
        session.reporter.say(f"{name}: found in {folder}")
    else:
        session.reporter.say(
            f"{name}: {report.kept} kept, {report.failed} of {report.attempted} "
            f"attempts failed, {report.replayed}/{report.kept} replayed exactly"
        )
    return folder
