"""Cells: what one group of rows evaluates, and where its numbers come from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fmbench.config import RunConfig
from fmbench.storage.hashes import short_hash
from fmbench.storage.provenance import commit, versions, versions_text
from fmbench.storage.rows import CellRow
from fmbench.training.checkpoints import weights_hash

EXPERT, RANDOM = "expert", "random"
NO_SEED = -1


@dataclass(frozen=True)
class Cell(CellRow):
    """What one group of rows evaluates; nothing is sampled or trained unless it is said.

    Attributes:
        headline: Whether the policy's first row in a table is this one.
    """

    sampler: str = ""
    steps: int = 0
    train_seed: int = NO_SEED
    headline: bool = True

    @property
    def name(self) -> str:
        """A name for files, on every system, and for progress."""
        sampler = f"-{self.sampler.replace(':', '-')}{self.steps or ''}" if self.sampler else ""
        seed = f"-seed{self.train_seed}" if self.train_seed != NO_SEED else ""
        return f"{self.task}-{self.policy}{sampler}{seed}"


@dataclass(frozen=True)
class Origin:
    """Where a cell's numbers come from: the hashes and versions of its row in `cells.csv`."""

    weights: str = ""
    demonstrations: str = ""
    config: str = ""
    commit: str = ""
    device: str = "cpu"
    versions: str = ""

    @classmethod
    def of_run(cls, config: RunConfig) -> "Origin":
        """Return the origin of what a run does here and now."""
        return cls(
            config=config.hash,
            commit=commit(),
            device=config.device,
            versions=versions_text(versions()),
        )

    def of_checkpoint(self, facts: Mapping[str, Any]) -> "Origin":
        """Return the origin of what the checkpoint with these facts does, in the same run."""
        demonstrations = short_hash(str(facts["origin"]["demonstrations"]))
        return replace(self, weights=weights_hash(facts), demonstrations=demonstrations)
