"""Evaluation cells: task, policy, sampler and seed of a group of rows, and their origin."""

from dataclasses import dataclass, replace

from fmbench.config import RunConfig
from fmbench.storage.hashes import short_hash
from fmbench.storage.provenance import commit, versions, versions_text
from fmbench.storage.rows import CellRow
from fmbench.training.checkpoint_facts import CheckpointFacts

EXPERT, RANDOM = "expert", "random"
NO_SEED = -1


@dataclass(frozen=True)
class Cell(CellRow):
    """One evaluated combination; the defaults are those of a policy without sampler and training.

    Attributes:
        headline: Whether this is the policy's first row in a table.
    """

    sampler: str = ""
    steps: int = 0
    train_seed: int = NO_SEED
    headline: bool = True

    @property
    def name(self) -> str:
        """A name for files, valid on every system, and for progress messages."""
        sampler = f"-{self.sampler.replace(':', '-')}{self.steps or ''}" if self.sampler else ""
        seed = f"-seed{self.train_seed}" if self.train_seed != NO_SEED else ""
        return f"{self.task}-{self.policy}{sampler}{seed}"


@dataclass(frozen=True)
class Origin:
    """The origin of a cell's numbers: the hashes and versions of its row in `cells.csv`."""

    weights: str = ""
    demonstrations: str = ""
    config: str = ""
    commit: str = ""
    device: str = "cpu"
    versions: str = ""

    @classmethod
    def of_run(cls, config: RunConfig) -> "Origin":
        """Return the origin of the results of a run with the present code and versions."""
        return cls(
            config=config.hash,
            commit=commit(),
            device=config.device,
            versions=versions_text(versions()),
        )

    def of_checkpoint(self, facts: CheckpointFacts) -> "Origin":
        """Return the origin of the results of a checkpoint, given its facts, in the same run."""
        demonstrations = short_hash(facts.demonstrations)
        return replace(self, weights=facts.weights, demonstrations=demonstrations)
