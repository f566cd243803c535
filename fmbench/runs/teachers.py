"""Find the trained policies that others learn from; refuse what does not fit, before any work."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.runs.run_folder import differences
from fmbench.runs.saved_run import open_saved_run
from fmbench.storage.hashes import short_hash
from fmbench.training.checkpoints import load_policy, weights_hash
from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.teaching import network_facts


@dataclass(frozen=True)
class Teacher:
    """A trained policy that another learns from.

    Attributes:
        policy: The policy, its averaged weights.
        name: Its task, objective and training seed: the name of its checkpoint's folder.
        weights: Hash of its weights, as in the rows of its evaluation.
        demonstrations: Hash of the demonstrations that it was trained on.
    """

    policy: ChunkPolicy
    name: str
    weights: str
    demonstrations: str


def load_teacher(checkpoint: Path) -> Teacher:
    """Load the teacher that a checkpoint holds.

    Raises:
        FmbenchError: The checkpoint is damaged or foreign.
    """
    policy, facts = load_policy(checkpoint)
    demonstrations = str(facts["origin"].get("demonstrations"))
    return Teacher(policy, checkpoint.name, weights_hash(facts), demonstrations)


def teachers_of(config: RunConfig) -> dict[str, str]:
    """Return the policies of a run that learn from another, each with the name of that one."""
    named = {policy: POLICIES[policy].teacher for policy in config.policy}
    return {policy: teacher for policy, teacher in named.items() if teacher is not None}


def check_taught(config: RunConfig) -> None:
    """Refuse a policy that has nobody to learn from, and a `--from` that nobody learns from.

    Raises:
        FmbenchError: Says what is possible.
    """
    taught = teachers_of(config)
    if config.from_run is not None and not taught:
        learners = [name for name, objective in POLICIES.items() if objective.teacher]
        raise FmbenchError(
            f"--from {config.from_run} changes nothing for {', '.join(config.policy)}; "
            f"it is for {', '.join(learners)}"
        )
    for policy, teacher in taught.items():
        if config.from_run is None and teacher not in config.policy:
            raise FmbenchError(
                f"{policy} learns from a trained {teacher}: add {teacher} to --policy, or give "
                f"--from RUN, the folder of a finished run with {teacher}"
            )


class TeacherRun:
    """The finished run that `--from` names, every teacher in it verified and found fit.

    Args:
        config: The run that learns; its `from_run` names the other.
        learners: Task to the policy that is to learn it.
        demonstrations: Task to the hash of the run's demonstrations, of those that are made.

    Attributes:
        weights: Name of each teacher to the hash of its weights.

    Raises:
        FmbenchError: It is no finished run, a checkpoint is damaged, or something differs that
            teacher and student must share; the message names it.
    """

    def __init__(
        self,
        config: RunConfig,
        learners: Mapping[str, ChunkPolicyConfig],
        demonstrations: Mapping[str, str],
    ) -> None:
        self.config, self.run = config, open_saved_run(Path(str(config.from_run)))
        self.weights: dict[str, str] = {}
        policies = sorted(set(teachers_of(config).values()))
        self._refuse(self._lacks(policies))
        for task, learner in learners.items():
            for policy in policies:
                for train_seed in range(config.seeds):
                    self.run.check_policy(task, policy, train_seed)
                    found = load_teacher(self.run.checkpoint(task, policy, train_seed))
                    there = network_facts(found.policy.config)
                    self._refuse(differences(there, network_facts(learner)))
                    self.check_demonstrations(found, demonstrations.get(task, found.demonstrations))
                    self.weights[found.name] = found.weights

    def load(self, task: str, policy: str, train_seed: int, demonstrations: str) -> Teacher:
        """Return one teacher.

        Args:
            task: Its task.
            policy: Its objective.
            train_seed: Its training seed.
            demonstrations: Hash of the demonstrations that its student is trained on.

        Raises:
            FmbenchError: It was trained on other demonstrations, or has changed since the check.
        """
        folder = self.run.checkpoint(task, policy, train_seed)
        found = load_teacher(folder)
        self.check_demonstrations(found, demonstrations)
        if found.weights != self.weights[found.name]:
            raise FmbenchError(f"{folder} has changed since it was checked; run the command again")
        return found

    def check_demonstrations(self, teacher: Teacher, now: str) -> None:
        """Refuse a teacher that was trained on other demonstrations than those of hash `now`."""
        there = {"demonstrations": short_hash(teacher.demonstrations)}
        self._refuse(differences(there, {"demonstrations": short_hash(now)}))

    def _lacks(self, policies: list[str]) -> list[str]:
        """Name what the configurations of both runs tell to be missing or different."""
        there, now = self.run.config, self.config
        found = []
        if missing := [task for task in now.task if task not in there.task]:
            found.append(f"task: {' '.join(there.task)} there, {' '.join(missing)} now")
        if missing := [policy for policy in policies if policy not in there.policy]:
            found.append(f"policy: {' '.join(there.policy)} there, {' '.join(missing)} needed")
        if there.seeds < now.seeds:
            found.append(f"seeds: {there.seeds} there, {now.seeds} now")
        shared = ("demos", "noise")
        return found + differences(*({n: getattr(c, n) for n in shared} for c in (there, now)))

    def _refuse(self, found: list[str]) -> None:
        if found:
            raise FmbenchError(
                f"--from {self.run.folder} does not fit this run ({'; '.join(found)})"
            )
