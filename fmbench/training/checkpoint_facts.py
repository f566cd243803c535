"""Facts of a checkpoint: its manifest and its progress, checked against each other."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import NonNegativeFloat, NonNegativeInt

from fmbench.errors import FmbenchError
from fmbench.storage.artefacts import verify
from fmbench.storage.files import read_json
from fmbench.storage.hashes import short_hash
from fmbench.storage.stamps import Stamp
from fmbench.storage.typed import STRICT, parse
from fmbench.training.state import LogEntry, TrainConfig, TrainingState
from policies.chunk_policy import ChunkPolicyConfig
from policies.objectives import load_objective

KIND = "checkpoint"
EMA_FILE, POLICY_FILE, OPTIMIZER_FILE, STATE_FILE = (
    "ema.safetensors",
    "policy.safetensors",
    "optimizer.safetensors",
    "state.json",
)
ORIGIN_KEYS = ("demonstrations", "task_hash", "hash_kind", "train_seed")
"""What every origin states; a student's also states its teacher."""
TEACHER_UPDATES = "teacher_updates"
"""The key of the teacher's updates in the origin of a student; earlier versions lack it."""
STACKED = "stacked"
"""What the origin of weights trained in a stack also states: the number of places in the stack."""


@dataclass(frozen=True)
class CheckpointFacts:
    """The manifest of a checkpoint.

    Attributes:
        update: Completed updates.
        complete: Whether training is complete.
        policy: The policy's configuration, as `ChunkPolicyConfig.to_json` wrote it.
        training: The training configuration, all fields of `TrainConfig`.
        origin: Origin of the weights: task, hashes of demonstrations and task, train seed.
        made_with: All code and versions that trained it, in order.
        without_gradient: Indices of the parameters that the objective does not use.
        sha256: File to the hash of its bytes.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    schema: int
    kind: str
    update: NonNegativeInt
    complete: bool
    policy: dict[str, int | str]
    training: dict[str, int | float | str]
    origin: dict[str, str]
    made_with: list[Stamp]
    without_gradient: list[NonNegativeInt]
    sha256: dict[str, str]
    manifest_sha256: str

    @property
    def train_config(self) -> TrainConfig:
        """The training configuration."""
        return TrainConfig(**self.training)  # type: ignore[arg-type]  # its checks raise

    @property
    def weights(self) -> str:
        """The hash of the averaged weights that is written to rows."""
        return short_hash(self.sha256[EMA_FILE])

    @property
    def teacher_updates(self) -> int:
        """The updates of the teacher, on top of its own; 0 without a teacher."""
        return int(self.origin.get(TEACHER_UPDATES, 0))

    @property
    def is_stacked(self) -> bool:
        """Whether it was trained in a stack."""
        return STACKED in self.origin

    @property
    def demonstrations(self) -> str:
        """The hash of the demonstrations."""
        return self.origin["demonstrations"]


@dataclass(frozen=True)
class Progress:
    """The content of `state.json`.

    Attributes:
        seconds: Training time [s].
        log: The logged updates.
        pending_losses: Losses since the last logged update.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    seconds: NonNegativeFloat
    log: list[LogEntry]
    pending_losses: list[float]

    @classmethod
    def of(cls, state: TrainingState) -> "Progress":
        """Return the progress of a training."""
        return cls(state.seconds, list(state.log), state.losses_since_log())

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def checkpoint_facts(folder: Path) -> CheckpointFacts:
    """Verify a checkpoint and return its facts.

    Raises:
        FmbenchError: It is damaged, foreign, or its facts contradict each other.
    """
    manifest = verify(folder, KIND)
    facts = parse(CheckpointFacts, manifest, folder / "manifest.json")
    files = {EMA_FILE, POLICY_FILE, OPTIMIZER_FILE, STATE_FILE}
    if set(facts.sha256) != files:
        raise FmbenchError(f"{folder} holds {', '.join(sorted(facts.sha256))}; train again")
    if missing := [key for key in ORIGIN_KEYS if key not in facts.origin]:
        raise FmbenchError(f"{folder} does not state its {', '.join(missing)}; train again")
    try:
        ChunkPolicyConfig.from_json(facts.policy)
        config = facts.train_config
    except (TypeError, ValueError) as error:
        raise FmbenchError(f"{folder / 'manifest.json'}: {error}; train again") from error
    if facts.complete != (facts.update >= config.updates) or facts.update > config.updates:
        state = "complete" if facts.complete else "unfinished"
        raise FmbenchError(
            f"{folder} is {state} at update {facts.update} of {config.updates}; train again"
        )
    return facts


def read_progress(folder: Path, facts: CheckpointFacts) -> Progress:
    """Read the progress of a verified checkpoint.

    Raises:
        FmbenchError: It does not fit the checkpoint's number of updates.
    """
    path = folder / STATE_FILE
    progress = parse(Progress, read_json(path), path)
    config = facts.train_config
    due = list(range(config.log_every, facts.update + 1, config.log_every))
    if facts.complete and facts.update % config.log_every:
        due.append(facts.update)
    logged = [entry.update for entry in progress.log]
    pending = facts.update - (due[-1] if due else 0)
    if not load_objective(ChunkPolicyConfig.from_json(facts.policy).objective).trains:
        due, pending = [], 0
    if logged != due or len(progress.pending_losses) != pending:
        raise FmbenchError(
            f"{path} holds {len(logged)} logged updates and {len(progress.pending_losses)} pending "
            f"losses, which do not fit update {facts.update}; train again"
        )
    return progress
