"""Work of the command `fmbench.export` for a trained policy: find it, describe it, write it."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import torch

from envs.registry import make_task
from envs.task import Task
from fmbench.cli.progress import Reporter
from fmbench.cli.user_code import users_code
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell
from fmbench.portable.card import card, card_file
from fmbench.portable.facts import ChunkUse, PolicyFacts, Success, TaskUse, TrainedWith
from fmbench.portable.formats import FILE_FORMATS
from fmbench.portable.hub_folder import write_hub_folder
from fmbench.report.statistics import wilson_interval
from fmbench.runs.run_plugins import files_of_policy
from fmbench.runs.wanted_policy import Found, WantedPolicy, find
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.finished import read_finished_rows
from fmbench.training.checkpoint_facts import EMA_FILE
from policies.chunk_function import ChunkFunction


def export_file(wanted: WantedPolicy, format_name: str, out: Path, reporter: Reporter) -> Path:
    """Write a policy as one file, and its card beside it.

    Args:
        wanted: The policy.
        format_name: A key of `FILE_FORMATS`.
        out: The file.
        reporter: Shows how long it takes.

    Returns:
        The card.

    Raises:
        FmbenchError: There is no such policy, or it cannot be a file; the message gives the reason.
    """
    found, file_format = find(wanted), FILE_FORMATS[format_name]
    name = found.folder.name
    try:
        function = ChunkFunction(found.policy, found.sampler, found.steps)
    except ValueError as error:
        raise FmbenchError(f"{name} cannot be exported: {error}") from None
    facts = describe(found, function.nfe, function.noise_shape)
    files = files_of_policy(found.run.config, found.task, found.policy.config.objective)
    stage = reporter.stage(f"{name} as {format_name}", 1)
    with stage, users_code(f"export of {name}", files):
        data = file_format.load()(function, {file_format.key: facts.to_text()}, name)
    beside = card_file(out)
    write_bytes_atomic(beside, card(facts, file_format.how_to_use(out.name, facts)).encode())
    write_bytes_atomic(out, data)
    return beside


def export_hub(wanted: WantedPolicy, out: Path) -> None:
    """Write a policy as a folder for the Hub.

    Args:
        wanted: The policy.
        out: The folder.

    Raises:
        FmbenchError: There is no such policy, or it sees pictures.
    """
    found = find(wanted)
    if found.policy.config.seen_dim:
        raise FmbenchError(
            f"{found.folder.name} sees pictures; the encoder and renderer of its run are not part "
            "of a folder for the Hub: export a policy that observes the state"
        )
    facts = describe(found, _evaluations(found), ())
    write_hub_folder(out, found.folder / EMA_FILE, found.policy.config, facts)


def _evaluations(found: Found) -> int | None:
    """Return the network evaluations of a chunk, counted; None if they differ between chunks."""
    policy = found.policy
    if policy.objective.limits[policy.objective.parse_sampler(found.sampler).name].adaptive:
        return None
    window = torch.zeros(1, policy.config.obs_horizon, policy.config.obs_dim)
    noise = torch.zeros(1, *policy.objective.chunk_shape)
    with torch.no_grad():
        return int(policy.sample(window, lambda: noise, found.sampler, found.steps).nfe[0])


def describe(found: Found, nfe: int | None, noise: tuple[int, ...]) -> PolicyFacts:
    """Return what an exported policy states about itself.

    Args:
        found: The policy.
        nfe: Network evaluations of a chunk; None if they differ between chunks.
        noise: Shape of its noise.
    """
    config, task = found.policy.config, make_task(found.task)
    use = ChunkUse(
        config.obs_horizon,
        config.obs_dim,
        config.pred_horizon,
        found.run.config.exec_horizon,
        config.act_dim,
        found.sampler,
        found.steps,
        nfe,
        noise,
    )
    task_use = _task_use(task, found.run.facts.task_hashes[found.task])
    version = importlib.metadata.version("fmbench")
    return PolicyFacts(task_use, use, _training(found), _success(found), version)


def _task_use(task: Task, task_hash: str) -> TaskUse:
    fields = tuple(
        {
            "name": part.name,
            "size": part.size,
            "unit": part.unit,
            "limit": part.limit,
            "meaning": part.meaning,
        }
        for part in task.fields()
    )
    ends = zip(task.action_names, task.hand.low.tolist(), task.hand.high.tolist(), strict=True)
    actions = tuple({"name": name, "low": low, "high": high} for name, low, high in ends)
    period = round(task.control_period_s, 9)
    return TaskUse(task.id, task.name, task.description, task_hash, period, fields, actions)


def _training(found: Found) -> TrainedWith:
    run, checkpoint = found.run, found.checkpoint
    config, made = found.policy.config, (run.facts.demonstrations or {})[found.task]
    is_given = found.task in (run.facts.given or {})
    stamp = checkpoint.made_with[-1]
    return TrainedWith(
        policy=config.objective,
        prediction=config.prediction,
        backbone=config.backbone,
        parameters=sum(p.numel() for p in found.policy.parameters()),
        train_seed=found.train_seed,
        updates=checkpoint.update,
        teacher_updates=checkpoint.teacher_updates,
        batch_size=checkpoint.train_config.batch_size,
        demonstrations=made.episodes,
        by="the user" if is_given else "the task's scripted expert",
        demonstrations_hash=checkpoint.demonstrations,
        weights_hash=checkpoint.sha256[EMA_FILE],
        config_hash=run.config_hash,
        preset=run.config.preset,
        commit=stamp.commit,
        versions=stamp.versions,
    )


def _success(found: Found) -> Success | None:
    """Return the success of a policy with its sampler, from the run's rows; None without rows."""
    table = read_finished_rows(found.run.folder, found.run.facts).episodes
    policy = found.policy.config.objective
    cell = Cell(found.task, policy, found.sampler, found.steps, found.train_seed)
    places = table.places.get(tuple(cell.cell.values()), [])
    if not places:
        return None
    solved = [table.table.columns["success"][place] for place in places]
    seeds = [table.table.columns["episode_seed"][place] for place in places]
    low, high = wilson_interval(sum(solved), len(solved))
    return Success(sum(solved), len(solved), round(low, 6), round(high, 6), min(seeds))
