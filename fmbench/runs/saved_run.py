"""A finished run, read from its folder and verified: configuration and trained policies."""

import dataclasses
import os
from pathlib import Path

from envs.registry import TASKS
from envs.task_hash import task_hash
from fmbench.config import RunConfig, config_from_json, config_hash
from fmbench.errors import FmbenchError
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.runs.run_plugins import check_plugins, loadable_part, used_names
from fmbench.runs.same_origin import check_hash_kind
from fmbench.storage.links import check_links_inside
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts
from fmbench.training.checkpoint_facts import CheckpointFacts, checkpoint_facts
from fmbench.training.checkpoints import load_policy
from policies.chunk_policy import ChunkPolicy


@dataclasses.dataclass(frozen=True)
class SavedRun:
    """A finished run.

    Attributes:
        folder: Its folder.
        config: Its configuration, without the tasks and policies whose files are not loaded.
        facts: The facts in its `run.json`.
        skipped: What is left out, and the flag that includes it, in one line; "" if nothing is.
    """

    folder: Path
    config: RunConfig
    facts: RunFacts
    skipped: str = ""

    @property
    def config_hash(self) -> str:
        """Hash of its whole configuration."""
        return config_hash(self.facts.config)

    @property
    def task_hashes(self) -> dict[str, str]:
        """Hash of each of its tasks."""
        return {task: task_hash(task) for task in self.config.task}

    def checkpoint(self, task: str, policy: str, train_seed: int) -> Path:
        """Return the folder of one trained policy."""
        return checkpoint_folder(self.folder, task, policy, train_seed)

    def check_policies(self, policies: tuple[str, ...]) -> None:
        """Verify every byte of the checkpoints of `policies`.

        Raises:
            FmbenchError: One is missing, damaged, unfinished, or was trained on another task.
        """
        for task in self.config.task:
            for policy in policies:
                for train_seed in range(self.config.seeds):
                    self.check_policy(task, policy, train_seed)

    def load(self, task: str, policy: str, train_seed: int) -> tuple[ChunkPolicy, CheckpointFacts]:
        """Return one trained policy, ready to act, and the facts of its checkpoint."""
        return load_policy(self.checkpoint(task, policy, train_seed))

    def check_policy(self, task: str, policy: str, train_seed: int) -> CheckpointFacts:
        """Verify every byte of one checkpoint and return its facts; see `check_policies`."""
        folder = self.checkpoint(task, policy, train_seed)
        if not folder.exists():
            raise FmbenchError(
                f"{folder} does not exist; give a run that still has its checkpoints"
            )
        facts = checkpoint_facts(folder)
        expected = {"task_hash": task_hash(task), "train_seed": str(train_seed)}
        matches = {name: facts.origin[name] for name in expected} == expected
        if not matches or facts.policy.get("objective") != policy:
            raise FmbenchError(
                f"{folder} is not {policy} with seed {train_seed} on this version of {task}"
            )
        if not facts.complete:
            raise FmbenchError(f"{folder} has not finished training; run the run's command again")
        return facts


def open_saved_run(folder: Path) -> SavedRun:
    """Open the folder of a finished run.

    Tasks and policies of a user's file that is not loaded are left out; no file is loaded because
    the run names it.

    Raises:
        FmbenchError: The folder holds no finished run, a link in it leads outside, a task or a
            user's file has changed since, the hash of a task is of an earlier kind, or nothing is
            left without the user's files.
    """
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "does not exist"
        raise FmbenchError(f"{folder} {problem}; give the folder of a finished run")
    if not os.path.lexists(folder / RUN_FILE):  # before all of some large folder is searched
        raise FmbenchError(
            f"{folder} is no run, {RUN_FILE} does not exist; give the folder of a finished run"
        )
    check_links_inside(folder)
    facts = read_run_facts(folder)
    if facts.rescores is not None:
        raise FmbenchError(
            f"{folder} holds re-scored rows and no policies; give the folder of the run "
            f"{facts.rescores.get('run')!r} itself"
        )
    if facts.outside is not None:
        raise FmbenchError(
            f"{folder} holds a policy from outside, which only the command that evaluated it can "
            "use; give a run of python -m fmbench.run"
        )
    values, skipped = loadable_part(folder, facts)
    try:
        config = config_from_json(values, tuple(TASKS))
    except FmbenchError as error:
        is_known = all(used.is_registered for used in used_names(values))
        hint = "" if is_known else "; a name of your own needs --plugin FILE"
        raise FmbenchError(f"{folder / RUN_FILE}: {error}{hint}") from None
    if not facts.complete:
        raise FmbenchError(f"{folder} has not finished; its own command resumes it")
    check_hash_kind(folder, facts, "run it again")
    check_plugins(folder, facts, values, "run it again")
    run = SavedRun(folder, config, facts, skipped)
    stored = facts.task_hashes
    changed = [task for task, value in run.task_hashes.items() if stored.get(task) != value]
    if changed:
        raise FmbenchError(
            f"{folder} was made with another version of {', '.join(changed)}; "
            "use the fmbench that made it, or run it again"
        )
    return run
