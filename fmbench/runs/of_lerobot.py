"""Policies of LeRobot as policies from outside: checkpoints of one or several trainings."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from envs.registry import make_task
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError, shown
from fmbench.evaluation.outside import DIRECT, OutsideCheckpoint, OutsidePolicy, OutsideSight
from fmbench.lerobot_policy.checkpoint import LeRobotCheckpoint, read_checkpoint
from fmbench.lerobot_policy.chunked import (
    ACT,
    DIFFUSION,
    ChunkedLeRobot,
    decides_chunks,
    executed_steps,
)
from fmbench.lerobot_policy.data_set import TrainingSet, training_set
from fmbench.lerobot_policy.loading import LoadedPolicy, lerobot_versions, load_lerobot
from fmbench.lerobot_policy.observing import Observing
from fmbench.lerobot_policy.stepped import SteppedLeRobot
from fmbench.runs.lerobot_sight import close_sight, open_sight, seen_settings
from fmbench.runs.outside import run_outside
from fmbench.runs.preparation import check_device

LABELS = {ACT: "LeRobot ACT", DIFFUSION: "LeRobot diffusion"}
COLOURS = {ACT: "#332288", DIFFUSION: "#661100"}
OTHER_COLOUR = "#6699CC"
PASSING = ("device", "pretrained_path", "repo_id", "push_to_hub", "private", "tags", "license")
"""Values of a policy's configuration that do not decide its actions."""


def lerobot_policy(
    folders: Sequence[Path],
    task_name: str,
    data: Path | None = None,
    device: str = "cpu",
    name: str | None = None,
) -> OutsidePolicy:
    """Load a policy of LeRobot, which then acts in the harness.

    Args:
        folders: Its checkpoints, one per training seed.
        task_name: Name of the task in the registry.
        data: The data set on which it was trained; None for the one that each checkpoint names.
        device: Where it acts: cpu, cuda or cuda:N.
        name: Its name in rows and tables; None for `lerobot-` and its type.

    Raises:
        FmbenchError: A folder is no checkpoint, or does not fit the task; or they differ.
    """
    task = make_task(task_name)
    checkpoints = [read_checkpoint(folder, task) for folder in folders]
    sets = [training_set(checkpoint, task_name, task, data) for checkpoint in checkpoints]
    _check_alike(checkpoints, sets)
    first, learnt = checkpoints[0], sets[0]
    size = learnt.drawn.size if learnt.drawn else 0
    observing = Observing(task, learnt.scaling, first.input_names, size)
    sight = open_sight(observing, learnt)
    try:
        loaded = [load_lerobot(checkpoint, device) for checkpoint in checkpoints]
    except BaseException:
        close_sight(sight)
        raise
    kind, config = first.kind, loaded[0].config
    sampler, steps = _sampler(kind, config)
    name = name or _usual_name(kind)
    return OutsidePolicy(
        name=name,
        label=label_of(name, kind),
        colour=COLOURS.get(kind, OTHER_COLOUR) if name == _usual_name(kind) else OTHER_COLOUR,
        task=task_name,
        checkpoints=[
            _acting(checkpoint, policy, observing, sight, seed)
            for seed, (checkpoint, policy) in enumerate(zip(checkpoints, loaded, strict=True))
        ],
        backbone="lerobot-unet" if kind == DIFFUSION else f"lerobot-{kind}",
        sampler=sampler,
        steps=steps,
        demos=learnt.demos,
        demonstrations=learnt.demonstrations,
        settings={**_settings(first, config), **seen_settings(observing, learnt, config)},
        versions=lerobot_versions(),
        facts=_facts(checkpoints),
    )


def label_of(name: str, kind: str) -> str:
    """Return the label of a policy of LeRobot's; what its name adds to the usual one is added."""
    usual, known = _usual_name(kind), LABELS.get(kind, f"LeRobot {kind}")
    added = name.removeprefix(f"{usual}-")
    if name == usual or not added:
        return known
    return f"{known}, {added.replace('-', ' ')}" if added != name else name


def _usual_name(kind: str) -> str:
    return f"lerobot-{kind.replace('_', '-')}"


def _facts(checkpoints: Sequence[LeRobotCheckpoint]) -> dict[str, Any]:
    """Return what identifies a policy beside its configuration and weights."""
    seeds = {f"seed {k}": each.training.get("seed") for k, each in enumerate(checkpoints)}
    known = {name: seed for name, seed in seeds.items() if isinstance(seed, int)}
    library = f"lerobot {lerobot_versions()['lerobot']}"
    return {"library": library, "type": checkpoints[0].kind, **known}


def _acting(
    checkpoint: LeRobotCheckpoint,
    loaded: LoadedPolicy,
    observing: Observing,
    sight: OutsideSight | None,
    seed: int,
) -> OutsideCheckpoint:
    """Return what acts with a checkpoint."""
    what = (loaded, checkpoint.kind, observing, seed)
    chunked = decides_chunks(checkpoint.kind, loaded.config)
    return OutsideCheckpoint(
        make=partial(ChunkedLeRobot if chunked else SteppedLeRobot, *what),
        make_single=partial(ChunkedLeRobot, *what, batch=1) if chunked else None,
        weights=checkpoint.sha256,
        parameters=loaded.parameters,
        updates=checkpoint.updates,
        rows_per_update=1.0 if checkpoint.kind in LABELS else None,
        sight=sight,
    )


def _sampler(kind: str, config: Any) -> tuple[str, int]:
    """Return how a policy samples, in the words of the rows."""
    if kind != DIFFUSION:
        return DIRECT, 1
    return config.noise_scheduler_type.lower(), int(
        config.num_inference_steps or config.num_train_timesteps
    )


def _settings(checkpoint: LeRobotCheckpoint, config: Any) -> dict[str, Any]:
    """Return what is known of a policy and its training, by the names of `RunConfig`."""
    chunked = decides_chunks(checkpoint.kind, config)
    named = {
        "obs_horizon": getattr(config, "n_obs_steps", 1),
        "pred_horizon": getattr(config, "horizon", None) or getattr(config, "chunk_size", None),
        "exec_horizon": executed_steps(checkpoint.kind, config) if chunked else 1,
        "prediction": getattr(config, "prediction_type", None),
        "updates": checkpoint.updates or None,
        "batch_size": checkpoint.training.get("batch_size"),
        "learning_rate": getattr(config, "optimizer_lr", None),
    }
    return {name: value for name, value in named.items() if value is not None}


def _check_alike(checkpoints: Sequence[LeRobotCheckpoint], sets: Sequence[TrainingSet]) -> None:
    """Check that checkpoints are of several trainings of one policy on the same demonstrations.

    Raises:
        FmbenchError: They differ in more than their weights, or one is given twice.
    """
    first = checkpoints[0]
    for other, learnt in zip(checkpoints[1:], sets[1:], strict=True):
        names = [n for n in {**first.config, **other.config} if n not in PASSING]
        for name in sorted(names):
            a, b = first.config.get(name), other.config.get(name)
            if a != b:
                raise FmbenchError(
                    f"{other.folder} differs from {first.folder} in {name} ({shown(b)} and "
                    f"{shown(a)}); give trainings of one policy, or one command for each"
                )
        if learnt.demonstrations != sets[0].demonstrations:
            raise FmbenchError(
                f"{other.folder} has learnt from other demonstrations than {first.folder}; give "
                "one command for each"
            )
        if learnt.drawn != sets[0].drawn:
            raise FmbenchError(
                f"{other.folder} has learnt from pictures that were drawn otherwise than those of "
                f"{first.folder}; give one command for each"
            )
    hashes = [checkpoint.sha256 for checkpoint in checkpoints]
    for place, value in enumerate(hashes):
        if hashes.index(value) != place:
            raise FmbenchError(
                f"{checkpoints[place].folder} holds the same weights as "
                f"{checkpoints[hashes.index(value)].folder}; give each training once"
            )


def run_lerobot(
    folders: Sequence[Path],
    task: str,
    data: Path | None,
    episodes: int,
    device: str,
    out: Path | None,
    session: Session,
    command: str = "",
    accept_changes: bool = False,
    name: str | None = None,
    times_decisions: bool = True,
) -> Path:
    """Evaluate a policy of LeRobot in the process of a command, and print the table.

    Args:
        folders: Its checkpoints, one per training seed.
        task: Name of the task in the registry.
        data: The data set on which it was trained; None for the one that the checkpoints name.
        episodes: Test episodes of each checkpoint.
        device: Where it acts: cpu, cuda or cuda:N.
        out: The run's folder; None for one named after the policy.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.
        name: Its name in rows and tables; None for `lerobot-` and its type.
        times_decisions: Whether to measure the latency of decisions.

    Returns:
        The run's folder.
    """
    check_device(device)
    policy = lerobot_policy(folders, task, data, device, name)
    try:
        return run_outside(
            policy, episodes, device, out, session, command, accept_changes, times_decisions
        )
    finally:
        close_sight(policy.sight)
