"""Train the policies of a run, every training seed of one at a time, resumably."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from envs.registry import make_task
from envs.task_hash import HASH_KIND, task_hash
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.errors import RunFailed
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.runs.teachers import Teacher, TeacherRun, load_teacher
from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint, say_kept
from fmbench.training.loop import NotFinite, train_together
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.windows import Windows
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.catalogue import BACKBONES, POLICIES
from policies.chunk_policy import ChunkPolicyConfig

CHECKPOINT_UPDATES = 1000
"""Updates between checkpoints; a multiple of those between logged rows."""


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """A task's demonstrations, laid out for training."""

    windows: Windows
    sha256: str


@dataclasses.dataclass(frozen=True)
class Trained:
    """The training seeds of one policy, trained.

    Attributes:
        checkpoints: Their folders, by seed.
        teachers: Name of each policy that taught one of them to the hash of its weights.
    """

    checkpoints: list[Path]
    teachers: dict[str, str]


@dataclasses.dataclass(frozen=True)
class _Training:
    """One training: its task and policy, its state, its checkpoint, and what it comes from."""

    name: str
    state: TrainingState
    folder: Path
    origin: dict[str, str]
    teachers: dict[str, str]


class Trainer:
    """Trains the policies of one run.

    On a processor one seed is trained after the other; on a CUDA device all seeds of a policy at
    once, since one small network leaves most of it idle. The weights are the same either way.

    Args:
        config: The run.
        out: The run's folder.
        teachers: The trained policies of another run that some learn from; None if of their own.
        session: Shows progress, and says when to stop.
    """

    def __init__(
        self,
        config: RunConfig,
        out: Path,
        teachers: TeacherRun | None,
        session: Session,
    ) -> None:
        self.config, self.out, self.teachers, self.session = config, out, teachers, session
        self.train_config = TrainConfig(
            updates=config.updates,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            precision=config.precision,
        )

    def train(self, task: str, name: str, data: TrainingData) -> Trained:
        """Train every seed of a policy that is not trained yet; return what stands then.

        Raises:
            RunFailed: A loss became NaN; says where, and which checkpoint is kept.
        """
        seeds = range(self.config.seeds)
        together = self.config.device.startswith("cuda")
        teachers: dict[str, str] = {}
        for group in [list(seeds)] if together else [[seed] for seed in seeds]:
            begun = [self._begin(task, name, seed, data) for seed in group]
            for training in begun:
                teachers |= training.teachers
            for update in sorted({training.state.update for training in begun}):
                equal = [training for training in begun if training.state.update == update]
                if update < self.config.updates:
                    self._go_on(equal, data.windows)
        folders = [checkpoint_folder(self.out, task, name, seed) for seed in seeds]
        return Trained(folders, teachers)

    def _begin(self, task: str, name: str, train_seed: int, data: TrainingData) -> _Training:
        """Lay out one training, or take up its checkpoint."""
        teacher, teachers = self._teacher(task, name, train_seed, data)
        state = start_training(
            policy_config(self.config, task, name),
            self.train_config,
            data.windows,
            train_seed,
            self.config.device,
            teacher.policy if teacher else None,
        )
        origin = {
            "task_hash": task_hash(task),
            "hash_kind": str(HASH_KIND),
            "demonstrations": data.sha256,
            "train_seed": str(train_seed),
        }
        if teacher:
            origin["teacher"] = teacher.weights
        folder = checkpoint_folder(self.out, task, name, train_seed)
        if folder.exists():
            restore_checkpoint(folder, state, self.train_config, origin)
        return _Training(f"{task} {name}", state, folder, origin, teachers)

    def _go_on(self, trainings: list[_Training], windows: Windows) -> None:
        """Train what stands at the same update to the end, or until the user interrupts."""
        states = [training.state for training in trainings]
        seeds = [int(training.origin["train_seed"]) for training in trainings]
        named = f", seed{'s' if len(seeds) > 1 else ''} {' '.join(map(str, seeds))}"
        label = f"{trainings[0].name} training" + (named if seeds != [0] else "")
        with self.session.reporter.stage(
            label, self.train_config.updates, states[0].update
        ) as stage:

            def save() -> None:
                for each in trainings:
                    save_checkpoint(each.folder, each.state, self.train_config, each.origin)

            def count(update: int) -> None:
                if update % 10 == 0:
                    stage.update(update)
                if update % CHECKPOINT_UPDATES == 0:
                    save()

            try:
                train_together(
                    states,
                    self.train_config,
                    windows,
                    should_stop=lambda: self.session.interrupts.requested,
                    on_update=count,
                )
                save()
            except NotFinite as error:
                failed = trainings[states.index(error.state)]
                where = f"{failed.name} seed {failed.origin['train_seed']}"
                raise RunFailed(f"{where}: {error}; {say_kept(failed.folder)}") from error
            self.session.interrupts.stop_here()

    def _teacher(
        self, task: str, name: str, train_seed: int, data: TrainingData
    ) -> tuple[Teacher | None, dict[str, str]]:
        """Return what a policy learns from, if anything; train it if it is this run's own.

        Returns:
            The teacher, and the hash of its weights by name, as of all that taught it.
        """
        policy = POLICIES[name].teacher
        if policy is None:
            return None, {}
        if self.teachers is not None:
            teacher = self.teachers.load(task, policy, train_seed, data.sha256)
            return teacher, {teacher.name: teacher.weights}
        trained = self.train(task, policy, data)
        teacher = load_teacher(trained.checkpoints[train_seed])
        return teacher, {**trained.teachers, teacher.name: teacher.weights}


def find_teachers(config: RunConfig, demonstrations: Mapping[str, str]) -> TeacherRun | None:
    """Return the trained policies that `--from` names, checked; None if it is not given.

    Args:
        config: The run.
        demonstrations: Task to the hash of its demonstrations, of those that are made.

    Raises:
        FmbenchError: They do not fit this run.
    """
    if config.from_run is None:
        return None
    learners = {task: policy_config(config, task, config.policy[0]) for task in config.task}
    return TeacherRun(config, learners, demonstrations)


def policy_config(config: RunConfig, task: str, policy: str) -> ChunkPolicyConfig:
    """Return the policy that a run trains on a task."""
    described = make_task(task)
    conditioning = config.conditioning or BACKBONES[config.backbone].conditioning
    shape = sized(
        NetworkShape(
            described.act_dim,
            config.pred_horizon,
            config.obs_horizon * described.obs_dim,
            conditioning=conditioning,
        ),
        config.backbone,
        config.size,
    )
    return ChunkPolicyConfig(
        obs_dim=described.obs_dim,
        act_dim=described.act_dim,
        obs_horizon=config.obs_horizon,
        pred_horizon=config.pred_horizon,
        objective=policy,
        prediction=config.prediction,
        backbone=config.backbone,
        width=config.width or shape.width,
        depth=config.depth or shape.depth,
        conditioning=conditioning,
        time_sampling=config.time_sampling,
        pairing=config.pairing,
        schedule=config.schedule,
    )
