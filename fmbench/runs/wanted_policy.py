"""One trained policy of a run that is asked for, found and loaded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fmbench.cli.folders import check_one_run
from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.plan import plan_run
from fmbench.report.counted import spanned
from fmbench.runs.run_plugins import files_of_policy
from fmbench.runs.saved_run import SavedRun, open_saved_run
from fmbench.training.checkpoint_facts import CheckpointFacts
from policies.chunk_policy import ChunkPolicy


@dataclasses.dataclass(frozen=True)
class WantedPolicy:
    """A trained policy that is asked for; what is None may be anything.

    Attributes:
        path: The folder of its run, or that of its checkpoint in it.
        task: Its task.
        name: The policy's name.
        train_seed: Its training seed.
        sampler: The sampler; None for the one of its first row in a table.
        steps: The sampler's steps; None for those of that row, or the sampler's default.
    """

    path: Path
    task: str | None = None
    name: str | None = None
    train_seed: int | None = None
    sampler: str | None = None
    steps: int | None = None

    @property
    def is_checkpoint(self) -> bool:
        """Whether the path is that of a checkpoint."""
        return self.path.parent.name == "checkpoints"


@dataclasses.dataclass(frozen=True)
class Found:
    """A trained policy, loaded and verified.

    Attributes:
        run: Its run.
        task: Its task.
        policy: The policy.
        checkpoint: The facts of its checkpoint.
        folder: That checkpoint.
        sampler: The sampler that is asked for.
        steps: Its steps.
    """

    run: SavedRun
    task: str
    policy: ChunkPolicy
    checkpoint: CheckpointFacts
    folder: Path
    sampler: str
    steps: int

    @property
    def train_seed(self) -> int:
        """Its training seed."""
        return int(self.checkpoint.origin["train_seed"])


def find(wanted: WantedPolicy) -> Found:
    """Load the policy that is asked for, after verifying its run and its checkpoint.

    Raises:
        FmbenchError: There is none, or there are several; the message lists them.
    """
    folder = wanted.path.parent.parent if wanted.is_checkpoint else wanted.path
    check_one_run(folder)
    run = open_saved_run(folder)
    task, name, train_seed = choose(run, wanted)
    run.check_policy(task, name, train_seed)
    configure_torch("cpu")
    with users_code(f"{task} {name} policy", files_of_policy(run.config, task, name)):
        policy, checkpoint = run.load(task, name, train_seed)
    headline = plan_run(run.config).cells(task, name, train_seed)[0]
    steps = wanted.steps
    if wanted.sampler is None and steps is None:
        steps = headline.steps
    try:
        resolved = policy.objective.resolve_sampler(wanted.sampler or headline.sampler, steps)
    except ValueError as error:
        raise FmbenchError(str(error)) from None
    return Found(run, task, policy, checkpoint, run.checkpoint(task, name, train_seed), *resolved)


def choose(run: SavedRun, wanted: WantedPolicy) -> tuple[str, str, int]:
    """Return task, policy and training seed of the only policy that is asked for.

    Raises:
        FmbenchError: There is none, or there are several; the message lists them.
    """
    config = run.config
    for kind, given, known in (
        ("task", wanted.task, config.task),
        ("policy", wanted.name, config.policy),
    ):
        if given is not None and given not in known:
            raise unknown(f"{kind} of {run.folder}", given, known)
    seeds = range(config.seeds)
    if wanted.train_seed is not None and wanted.train_seed not in seeds:
        raise FmbenchError(
            f"--train-seed is {wanted.train_seed}; {run.folder} has {spanned(0, seeds[-1], 'seed')}"
        )
    trained = {
        run.checkpoint(task, policy, seed).name: (task, policy, seed)
        for task in config.task
        for policy in config.policy
        for seed in seeds
    }
    if wanted.is_checkpoint and wanted.path.name not in trained:
        raise unknown(f"checkpoint of {run.folder}", wanted.path.name, trained)
    names = [wanted.path.name] if wanted.is_checkpoint else list(trained)
    asked = (wanted.task, wanted.name, wanted.train_seed)
    found = [
        name
        for name in names
        if all(want in (None, have) for want, have in zip(asked, trained[name], strict=True))
    ]
    if not found:
        task, policy, seed = trained[wanted.path.name]
        raise FmbenchError(
            f"{wanted.path} is {policy} on {task} with training seed {seed}; leave out --task, "
            "--name and --train-seed, or give the run's folder"
        )
    if len(found) > 1:
        values = [trained[name] for name in found]
        flags = ("--task", "--name", "--train-seed")
        columns = zip(*values, strict=True)
        varied = [f for f, each in zip(flags, columns, strict=True) if len(set(each)) > 1]
        raise FmbenchError(
            f"{run.folder} has {len(found)} trained policies ({', '.join(found[:4])}"
            f"{', ...' if len(found) > 4 else ''}); choose one by {', '.join(varied)}"
        )
    return trained[found[0]]
