"""Prepare a run: refuse what cannot work before any work, and make the demonstrations."""

from contextlib import nullcontext
from pathlib import Path

import torch

from fmbench.cli.progress import PartOfStage, Stage
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig, dataset_folder, load_demonstrations
from fmbench.errors import FmbenchError
from fmbench.evaluation.plan import plan_run
from fmbench.runs.teachers import check_taught
from policies.catalogue import OPTIONS, POLICIES


def demonstrate_all(config: RunConfig, data: Path, session: Session) -> list[Path]:
    """Make every task's demonstrations under one display of progress; return their folders."""
    if len(config.task) == 1:
        return [demonstrate(config, config.task[0], data, session)]
    each = 2 * config.demos
    with session.reporter.stage("demonstrations", each * len(config.task)) as stage:
        folders = []
        for k, task in enumerate(config.task):
            part = PartOfStage(stage, each * k)
            folders.append(demonstrate(config, task, data, session, part))
            part.update(each)
    return folders


def demonstrate(
    config: RunConfig,
    task: str,
    data: Path,
    session: Session,
    part: Stage | None = None,
) -> Path:
    """Make a task's demonstrations, or find them made; say how it went; return their folder.

    Args:
        config: Says how many, under how much noise.
        task: The task.
        data: Where the folder is made.
        session: Shows the progress, and may stop it.
        part: Where to show the progress instead, in twice as many units as demonstrations.
    """
    wanted = DemonstrationConfig(task, config.demos, config.noise)
    folder = dataset_folder(wanted, data)
    if folder.exists():
        make_demonstrations(wanted, data)  # verifies every byte
        session.reporter.say(f"{task} demonstrations: found in {folder}")
        return folder
    name = f"{task} demonstrations"
    with nullcontext(part) if part else session.reporter.stage(name, 2 * config.demos) as stage:
        offset = {"expert": 0, "replay": config.demos}

        def count(pass_name: str, done: int) -> None:
            session.interrupts.stop_here()
            stage.update(offset[pass_name] + done)

        _, report = make_demonstrations(wanted, data, count)
    if report is not None:
        session.reporter.say(
            f"{name}: {report.kept} kept, {report.failed} of {report.attempted} "
            f"attempts failed, {report.replayed}/{report.kept} replayed exactly"
        )
    return folder


def check_runnable(config: RunConfig) -> None:
    """Refuse what this machine or these objectives cannot do, before any work.

    Raises:
        FmbenchError: Says what was given and what is possible.
    """
    if config.device != "cpu" and not config.device.startswith("cuda"):
        raise FmbenchError(f"--device is {config.device!r}; known: cpu, cuda, cuda:N")
    if config.device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise FmbenchError(
                f"--device {config.device}: this machine or this build of torch has no CUDA; "
                "give --device cpu"
            )
        try:
            torch.empty(0, device=config.device)
        except RuntimeError as error:
            raise FmbenchError(f"--device {config.device}: {str(error).splitlines()[0]}") from None
    refused = [p for p in config.policy if config.prediction not in POLICIES[p].predictions]
    if refused:
        possible = "; ".join(f"{p}: {', '.join(POLICIES[p].predictions)}" for p in config.policy)
        raise FmbenchError(
            f"--prediction {config.prediction} is not possible for {', '.join(refused)}; "
            f"possible: {possible}"
        )
    _check_options(config)
    check_taught(config)
    for policy, samplers in plan_run(config).steps.items():
        if not samplers:
            sampler = POLICIES[policy].default_sampler
            raise FmbenchError(
                f"--nfe {' '.join(map(str, config.nfe))}: {sampler}, the sampler of {policy}, "
                f"takes {POLICIES[policy].limits[sampler].possible_nfe}"
            )


def _check_options(config: RunConfig) -> None:
    """Refuse a choice inside an objective that no policy of the run would notice."""
    read = {option for policy in config.policy for option in POLICIES[policy].reads}
    for option, values in OPTIONS.items():
        chosen = getattr(config, option)
        if option not in read and chosen != values[0]:
            flag = f"--{option.replace('_', '-')}"
            readers = [name for name in POLICIES if option in POLICIES[name].reads]
            raise FmbenchError(
                f"{flag} {chosen} changes nothing for {', '.join(config.policy)}; "
                f"it is for {', '.join(readers)}"
            )


def check_found_demonstrations(config: RunConfig, data: Path) -> dict[str, str]:
    """Refuse damaged or foreign demonstrations before the run folder is made.

    Returns:
        Task to the hash of its demonstrations, of those that are made already.

    Raises:
        FmbenchError: Names the folder under `data` and what is wrong with it.
    """
    found = {}
    for task in config.task:
        folder = dataset_folder(DemonstrationConfig(task, config.demos, config.noise), data)
        if folder.exists():
            found[task] = load_demonstrations(folder, task).sha256
    return found
