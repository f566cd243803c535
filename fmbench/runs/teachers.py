"""Teachers: trained policies that others learn from, loaded and validated before any work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.runs.policy_shape import policy_config
from fmbench.runs.same_origin import differences
from fmbench.runs.saved_run import open_saved_run
from fmbench.sight.opening import Sights
from fmbench.storage.hashes import short_hash
from fmbench.training.checkpoints import load_policy
from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.teaching import network_facts


@dataclass(frozen=True)
class Teacher:
    """A trained policy that another policy learns from.

    Attributes:
        policy: The policy with its averaged weights.
        name: Its task, objective and training seed: the name of its checkpoint's folder.
        weights: Hash of its weights, as in the rows of its evaluation.
        demonstrations: Hash of the demonstrations it was trained on.
        updates: The updates it was trained for.
    """

    policy: ChunkPolicy
    name: str
    weights: str
    demonstrations: str
    updates: int


def load_teacher(checkpoint: Path) -> Teacher:
    """Load a teacher from its checkpoint.

    Raises:
        FmbenchError: The checkpoint is damaged or foreign.
    """
    policy, facts = load_policy(checkpoint)
    return Teacher(policy, checkpoint.name, facts.weights, facts.demonstrations, facts.update)


def teachers_of(config: RunConfig) -> dict[str, str]:
    """Return the policies of a run that need a teacher, each with the teacher's policy."""
    teachers = {policy: POLICIES[policy].teacher for policy in config.policy}
    return {policy: teacher for policy, teacher in teachers.items() if teacher is not None}


def trained_by(config: RunConfig) -> tuple[str, ...]:
    """Return the policies that a run trains: its own, and teachers that it does not evaluate."""
    teachers = teachers_of(config).values() if config.from_run is None else ()
    return tuple(dict.fromkeys([*config.policy, *teachers]))


def check_taught(config: RunConfig) -> None:
    """Reject a `--from` that no policy uses.

    Raises:
        FmbenchError: The message states what is accepted.
    """
    if config.from_run is not None and not teachers_of(config):
        learners = [name for name, objective in POLICIES.items() if objective.teacher]
        raise FmbenchError(
            f"--from is {config.from_run!r}, which has no effect on {', '.join(config.policy)}; "
            f"it applies to {', '.join(learners)}"
        )


def taught_first(config: RunConfig) -> Iterator[str]:
    """Yield a line for every teacher that is trained, but not evaluated, by this run."""
    if config.from_run is None:
        for policy, teacher in teachers_of(config).items():
            if teacher not in config.policy:
                yield (
                    f"{policy} learns from {teacher}, which is trained first ({config.updates:,} "
                    "updates on top) and not evaluated; to use a trained one, give --from RUN"
                )


class TeacherRun:
    """The finished run of `--from`, with all teachers in it verified.

    Args:
        config: The run of the students; its `from_run` is the folder of the finished run, which
            may have trained a teacher without evaluating it.
        learners: Task to the student's configuration.
        demonstrations: Task to the hash of its demonstrations, for those that exist.
        identities: Task to the identity of what its policies see with; empty for states.

    Attributes:
        weights: Name of each teacher to the hash of its weights.

    Raises:
        FmbenchError: The run is not finished, a checkpoint is damaged, or a value differs that
            teacher and student must share; the message lists the differences.
    """

    def __init__(
        self,
        config: RunConfig,
        learners: Mapping[str, ChunkPolicyConfig],
        demonstrations: Mapping[str, str],
        identities: Mapping[str, str],
    ) -> None:
        self.config, self.run = config, open_saved_run(Path(str(config.from_run)))
        self.weights: dict[str, str] = {}
        students: dict[str, list[str]] = {}
        for student, policy in teachers_of(config).items():
            students.setdefault(policy, []).append(student)
        policies = sorted(students)
        self._reject(self._mismatches(policies))
        for task, learner in learners.items():
            seen = {"sight": (self.run.facts.sights or {}).get(task)}
            self._reject(differences(seen, {"sight": identities.get(task)}))
            for policy in policies:
                for train_seed in range(config.seeds):
                    self.run.check_policy(task, policy, train_seed)
                    teacher = load_teacher(self.run.checkpoint(task, policy, train_seed))
                    for student in students[policy]:
                        there = network_facts(teacher.policy.config, student)
                        self._reject(differences(there, network_facts(learner, student)))
                    now = demonstrations.get(task, teacher.demonstrations)
                    self.check_demonstrations(teacher, now)
                    self.weights[teacher.name] = teacher.weights

    def load(self, task: str, policy: str, train_seed: int, demonstrations: str) -> Teacher:
        """Return one teacher.

        Args:
            task: Its task.
            policy: Its objective.
            train_seed: Its training seed.
            demonstrations: Hash of the demonstrations of its student.

        Raises:
            FmbenchError: It was trained on other demonstrations, or has changed since the check.
        """
        folder = self.run.checkpoint(task, policy, train_seed)
        teacher = load_teacher(folder)
        self.check_demonstrations(teacher, demonstrations)
        if teacher.weights != self.weights[teacher.name]:
            raise FmbenchError(f"{folder} has changed since it was checked; run the command again")
        return teacher

    def check_demonstrations(self, teacher: Teacher, now: str) -> None:
        """Reject a teacher that was not trained on the demonstrations of hash `now`."""
        there = {"demonstrations": short_hash(teacher.demonstrations)}
        self._reject(differences(there, {"demonstrations": short_hash(now)}))

    def _mismatches(self, policies: list[str]) -> list[str]:
        """Return the mismatches between the configurations of both runs, one line each."""
        there, now = self.run.config, self.config
        lines = []
        if missing := [task for task in now.task if task not in there.task]:
            lines.append(f"task: {' '.join(there.task)} there, {' '.join(missing)} now")
        own, elsewhere = trained_by(there), teachers_of(there).values()
        if missing := [policy for policy in policies if policy not in own]:
            is_known = there.from_run is not None and set(missing) <= set(elsewhere)
            place = f", trained in the run {there.from_run}: give that" if is_known else ""
            needed = f"{' '.join(missing)} needed{place}"
            lines.append(f"policy: {' '.join(there.policy)} there, {needed}")
        if there.seeds < now.seeds:
            lines.append(f"seeds: {there.seeds} there, {now.seeds} now")
        shared = ("demos", "noise")
        return lines + differences(*({n: getattr(c, n) for n in shared} for c in (there, now)))

    def _reject(self, mismatches: list[str]) -> None:
        if mismatches:
            raise FmbenchError(
                f"--from is {self.run.folder}; it must match this run ({'; '.join(mismatches)})"
            )


def find_teachers(
    config: RunConfig, demonstrations: Mapping[str, str], sights: Sights
) -> TeacherRun | None:
    """Return the validated teachers of `--from`; None if the flag is absent.

    Args:
        config: The run.
        demonstrations: Task to the hash of its demonstrations, for those that exist.
        sights: What the policies see with.

    Raises:
        FmbenchError: They do not match this run.
    """
    if config.from_run is None:
        return None
    learners = {
        task: policy_config(config, task, config.policy[0], sights.of(task)) for task in config.task
    }
    return TeacherRun(config, learners, demonstrations, sights.identities)
