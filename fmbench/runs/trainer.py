"""Resumable training of the policies of a run, with all their training seeds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from envs.task_hash import HASH_KIND, task_hash
from fmbench.cli.session import Session
from fmbench.cli.warnings import warn
from fmbench.config import PIXELS, RunConfig
from fmbench.errors import RunFailed
from fmbench.runs.expected import training_piece
from fmbench.runs.policy_shape import policy_config, updates_of
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.runs.sharing import RunTraining, described, shared, shared_updates
from fmbench.runs.teachers import Teacher, TeacherRun, load_teacher
from fmbench.runs.training_data import TrainingData
from fmbench.storage.critical import uninterrupted
from fmbench.storage.memory import check_memory, needs_memory
from fmbench.training.checkpoint_facts import STACKED, TEACHER_UPDATES, checkpoint_facts
from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint, say_kept
from fmbench.training.compiled import compile_encoders, is_worth_compiling
from fmbench.training.loop import NotFinite, train_together
from fmbench.training.second_thread import SecondThread
from fmbench.training.stacked import SIZES, can_stack, is_of_suite, stack_sizes
from fmbench.training.state import TrainConfig, TrainingState, size_of, start_training
from fmbench.training.windows import Windows
from policies.catalogue import POLICIES

CHECKPOINT_UPDATES = 1000
"""Updates between checkpoints; a multiple of the updates between logged rows."""
REMEDY = (
    "lower --batch-size, --training-samples, --width or --depth and give another --out, or resume "
    "where more is free: finished work is kept"
)
COPIES = 5
"""Tensors like the weights that training holds: with the average, gradient, and two moments."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """One policy, trained with all seeds.

    Attributes:
        checkpoints: Folders of the checkpoints, by seed.
        teachers: Name of each teacher to the hash of its weights.
    """

    checkpoints: list[Path]
    teachers: dict[str, str]


class Trainer:
    """Trains the policies of one run.

    On a CPU the seeds are trained one after the other. One small network leaves most of a CUDA
    device idle: there all seeds of a policy, and with `train_ahead` several policies, are trained
    together, several seeds in stacks if that is possible. The configuration decides what is
    stacked; the weights do not depend on what else is trained at the same time.

    Args:
        config: The run.
        out: The run's folder.
        teachers: The teachers of another run; None if this run trains its own.
        session: Progress display and requests to stop.
        only: The only training seed that is needed; those of its stack are trained with it. None
            for all.
        on_log: Called with trainings at their start and after each logged update.
    """

    def __init__(
        self,
        config: RunConfig,
        out: Path,
        teachers: TeacherRun | None,
        session: Session,
        only: int | None = None,
        on_log: Callable[[Sequence[RunTraining]], None] = lambda trainings: None,
    ) -> None:
        self.on_log = on_log
        self.config, self.out, self.teachers, self.session = config, out, teachers, session
        self._only = only
        self.train_config = train_config(config)

    def train_ahead(self, task: str, names: Sequence[str], data: TrainingData) -> None:
        """Train the policies that can be stacked at once, so that `train` finds them trained.

        A policy with a teacher is left to `train`.

        Raises:
            RunFailed: See `train`.
        """
        if not self._stack_sizes or data.sight:
            return
        alone = [name for name in names if POLICIES[name].teacher is None and is_of_suite(name)]
        with needs_memory(f"{task} training", REMEDY):
            trainings = [
                self._start(task, name, train_seed, data)
                for name in alone
                for train_seed in range(self.config.seeds)
            ]
            unfinished = [t for t in trainings if t.is_stacked and self._is_unfinished(t)]
            for group in shared(unfinished):
                self._continue_most(group, data.windows)

    def _continue_most(self, trainings: list[RunTraining], windows: Windows) -> None:
        """Continue trainings, the others where a policy fails; `train` then reports the failure."""
        while trainings:
            try:
                self._continue(trainings, windows)
            except RunFailed as error:
                if not isinstance(error.__cause__, NotFinite):
                    raise
                bad = [t.name for t in trainings if t.state is error.__cause__.state]
                trainings = [t for t in trainings if t.name not in bad]
            else:
                return

    def train(self, task: str, name: str, data: TrainingData) -> Trained:
        """Train all seeds of a policy that are not trained yet; return its checkpoints.

        Raises:
            RunFailed: A loss became NaN; the message names the update and the last checkpoint.
                Or there is too little memory; the message names the flags to lower.
        """
        with needs_memory(f"{task} {name} training", REMEDY):
            return self._train(task, name, data)

    def _train(self, task: str, name: str, data: TrainingData) -> Trained:
        seeds = self._needed_seeds
        together = self.config.device.startswith("cuda")
        teachers: dict[str, str] = {}
        for group in [list(seeds)] if together else [[seed] for seed in seeds]:
            trainings = [self._start(task, name, seed, data) for seed in group]
            for training in trainings:
                teachers |= training.teachers
            for same_update in shared(t for t in trainings if self._is_unfinished(t)):
                self._continue(same_update, data.windows)
        folders = [checkpoint_folder(self.out, task, name, s) for s in range(self.config.seeds)]
        return Trained(folders, teachers)

    @property
    def _needed_seeds(self) -> range:
        if self._only is None:
            return range(self.config.seeds)
        size = dict(enumerate(self._stack_sizes)).get(self._only, 1)
        first = self._only // size * size
        return range(first, first + size)

    @property
    def _stack_sizes(self) -> list[int]:
        """The sizes of the stacks of the first seeds, where stacking is possible."""
        on_gpu = self.config.device.startswith("cuda")
        return stack_sizes(self.config.seeds) if on_gpu else []

    def _is_unfinished(self, training: RunTraining) -> bool:
        return training.state.update < training.config.updates

    def _start(self, task: str, name: str, train_seed: int, data: TrainingData) -> RunTraining:
        """Start one training, or restore it from its checkpoint."""
        teacher, teachers = self._teacher(task, name, train_seed, data)
        shape = policy_config(self.config, task, name, data.sight)
        if self.config.device == "cpu":
            check_memory(f"{task} {name} training", COPIES * size_of(shape), REMEDY)
        updates = updates_of(self.config, shape)
        warmup = round(self.train_config.warmup_updates * updates / self.config.updates)
        config = dataclasses.replace(self.train_config, updates=updates, warmup_updates=warmup)
        state = start_training(
            shape,
            config,
            data.windows,
            train_seed,
            self.config.device,
            teacher.policy if teacher else None,
            eyes=data.sight.encoder if data.sight and shape.model else None,
        )
        origin = {
            "task_hash": task_hash(task),
            "hash_kind": str(HASH_KIND),
            "demonstrations": data.sha256,
            "train_seed": str(train_seed),
        }
        if teacher:
            origin |= {"teacher": teacher.weights, TEACHER_UPDATES: str(teacher.updates)}
        if data.sight:
            origin["sight"] = data.sight.identity
        folder = checkpoint_folder(self.out, task, name, train_seed)
        sizes = self._stack_sizes
        if train_seed < len(sizes) and can_stack(state, data.windows):
            origin[STACKED] = str(sizes[train_seed])
        if folder.exists():  # it goes on as it began
            origin = _as_begun(origin, checkpoint_facts(folder).origin)
            restore_checkpoint(folder, state, config, origin)
        training = RunTraining(task, name, train_seed, config, state, folder, origin, teachers)
        self.on_log([training])
        if not self._is_unfinished(training):
            self.session.reporter.outlook.skip(training_piece(task, name, train_seed))
        return training

    def _continue(self, trainings: list[RunTraining], windows: Windows) -> None:
        """Continue trainings at the same update to the end, or until the user interrupts."""
        config, states = trainings[0].config, [training.state for training in trainings]
        self._compile(trainings[0].name, config, states, windows)
        label = described(trainings)
        pieces = [training_piece(t.task, t.policy, t.train_seed) for t in trainings]
        with self.session.reporter.stage(label, config.updates, states[0].update, pieces) as stage:

            def save() -> None:
                with uninterrupted():  # all are of the same update
                    for training in trainings:
                        save_checkpoint(training.folder, training.state, config, training.origin)

            def count(update: int) -> None:
                if update % 10 == 0:
                    stage.update(update)
                if update % config.log_every == 0 or update == config.updates:
                    self.on_log(trainings)
                if update % CHECKPOINT_UPDATES == 0:
                    save()

            try:
                with SecondThread() as thread:
                    train_together(
                        states,
                        config,
                        windows,
                        updates=shared_updates(trainings, windows, thread),
                        should_stop=lambda: self.session.interrupts.requested,
                        on_update=count,
                    )
                save()
            except NotFinite as error:
                failed = trainings[states.index(error.state)]
                where = f"{failed.name} seed {failed.train_seed}"
                raise RunFailed(f"{where}: {error}; {say_kept(failed.folder)}") from error
            self.session.interrupts.stop_here()

    def _compile(
        self, name: str, config: TrainConfig, states: list[TrainingState], windows: Windows
    ) -> None:
        """Compile the encoders where that pays; warn if it fails."""
        if not is_worth_compiling(states[0], config, windows):
            return
        with self.session.reporter.stage(f"{name}, compiling its encoder", 1) as stage:
            reason = compile_encoders(states, config, windows)
            stage.update(1)
        if reason is not None:
            warn(f"{name}: its encoder is trained without compilation, more slowly ({reason})")

    def _teacher(
        self, task: str, name: str, train_seed: int, data: TrainingData
    ) -> tuple[Teacher | None, dict[str, str]]:
        """Return the teacher of a policy, if it needs one; train it unless another run has it.

        Returns:
            The teacher, and name to hash of weights of this teacher and of its own teachers.
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


def _as_begun(origin: dict[str, str], begun: Mapping[str, str]) -> dict[str, str]:
    """Return an origin with the size of the stack in which a training began.

    A size that no stack has is left to be reported as a difference.
    """
    own = {name: value for name, value in origin.items() if name != STACKED}
    size = begun.get(STACKED)
    if size is None:
        return own
    return own | {STACKED: size if size in map(str, SIZES) else str(SIZES[-1])}


def train_config(config: RunConfig) -> TrainConfig:
    """Return the training configuration of a run."""
    return TrainConfig(
        updates=config.updates,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        encoder_learning_rate=config.encoder_learning_rate if config.observation == PIXELS else 0.0,
        warmup_updates=config.warmup_updates,
        weight_decay=config.weight_decay,
        ema_decay=config.ema_decay,
        precision=config.precision,
    )
