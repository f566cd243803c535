"""Checks of a run before any work: its configuration, and the demonstrations that exist."""

from pathlib import Path

import torch

from fmbench.cli.folders import check_out
from fmbench.config import STATE, RunConfig
from fmbench.data.store import DemonstrationConfig, dataset_folder, load_demonstrations
from fmbench.errors import FmbenchError
from fmbench.evaluation.plan import plan_run
from fmbench.runs.teachers import check_taught, trained_by
from fmbench.runs.training_data import check_found_sight
from fmbench.runs.users_encoder import encoders_code
from fmbench.sight.opening import Sights
from policies.catalogue import COUNTS, OPTIONS, POLICIES


def check_runnable(config: RunConfig) -> None:
    """Check that this machine and these objectives can do the run, before any work.

    Raises:
        FmbenchError: They cannot; the message states what was given and what is accepted.
    """
    check_device(config.device)
    lacking = [p for p in config.policy if config.prediction not in POLICIES[p].predictions]
    if lacking:
        known = "; ".join(f"{p}: {', '.join(POLICIES[p].predictions)}" for p in config.policy)
        raise FmbenchError(
            f"--prediction is {config.prediction!r}, which is not available for "
            f"{', '.join(lacking)}; known: {known}"
        )
    _check_options(config)
    _check_eyes(config)
    check_taught(config)
    for policy, samplers in plan_run(config).steps.items():
        if not samplers:
            sampler = POLICIES[policy].default_sampler
            raise FmbenchError(
                f"--nfe is {' '.join(map(str, config.nfe))}; {sampler}, the sampler of {policy}, "
                f"takes {POLICIES[policy].limits[sampler].possible_nfe}"
            )


def check_device(device: str) -> None:
    """Check that a device is here.

    Raises:
        FmbenchError: It is not; the message states what is accepted.
    """
    if device != "cpu" and not device.startswith("cuda"):
        raise FmbenchError(f"--device is {device!r}; known: cpu, cuda, cuda:N")
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise FmbenchError(
                f"--device is {device!r}; give cpu (this machine or this build of torch has no "
                "CUDA)"
            )
        try:
            torch.empty(0, device=device)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise FmbenchError(f"--device is {device!r}; torch reports: {reason}") from None


def _check_options(config: RunConfig) -> None:
    """Reject an option of objectives that no policy of the run uses."""
    used = {option for policy in trained_by(config) for option in POLICIES[policy].reads}
    defaults = {name: values[0] for name, values in OPTIONS.items()}
    for option, default in (defaults | {name: c.default for name, c in COUNTS.items()}).items():
        value = getattr(config, option)
        if option not in used and value != default:
            flag = f"--{option.replace('_', '-')}"
            users = [name for name in POLICIES if option in POLICIES[name].reads]
            raise FmbenchError(
                f"{flag} is {value!r}, which has no effect on {', '.join(config.policy)}; "
                f"it applies to {', '.join(users)}"
            )
    for policy in config.policy:
        for option, (least, reason) in POLICIES[policy].least.items():
            if (given := getattr(config, option)) < least:
                raise FmbenchError(
                    f"--{option.replace('_', '-')} is {given}; {policy} needs at least {least}: "
                    f"{reason}"
                )


def _check_eyes(config: RunConfig) -> None:
    """Reject policies that only compare states, where pictures are observed."""
    blind = [policy for policy in config.policy if not POLICIES[policy].trains]
    if blind and config.observation != STATE:
        raise FmbenchError(
            f"--observation is {config.observation}, which {', '.join(blind)} cannot use: it "
            "compares states; leave it out, or give --observation state"
        )


def check_found_demonstrations(
    config: RunConfig, data: Path, sights: Sights | None = None
) -> dict[str, str]:
    """Reject damaged or foreign demonstrations before the run folder is created.

    If some do not exist yet, `data` must be a folder that can be written.

    Args:
        config: The run.
        data: Folder of all demonstrations.
        sights: What the policies see with, whose stored pictures and features are checked, too.

    Returns:
        Task to the hash of its demonstrations, for those that exist and are not given.

    Raises:
        FmbenchError: Names the folder under `data` and what is wrong with it.
    """
    hashes = {}
    for task in config.task if config.demonstrations is None else ():
        request = DemonstrationConfig(task, config.demos, config.noise)
        folder = dataset_folder(request, data)
        if folder.exists():
            demonstrations = load_demonstrations(folder, task, request)
            hashes[task] = demonstrations.sha256
            sight = sights.of(task) if sights else None
            if sight is not None:
                with encoders_code(config):
                    check_found_sight(folder, sight, demonstrations)
        else:
            check_out(data, "--data")
    return hashes
