"""Evaluation cells: task, policy, sampler and seed of a group of rows, and their origin."""

from dataclasses import dataclass, field, replace

from fmbench.storage.hashes import short_hash
from fmbench.storage.rows import HOLD, CellRow
from fmbench.storage.stamps import Stamp, merge, present_stamp
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
        seed = f"-seed{self.train_seed}" if self.train_seed != NO_SEED else ""
        return f"{self.task}-{self.policy}{self._sampler_name}{seed}{self._setting_name}"

    @property
    def way(self) -> str:
        """How a policy acts, the end of its name: sampler, steps and setting, if any."""
        return f"{self._sampler_name}{self._setting_name}".lstrip("-")

    @property
    def _sampler_name(self) -> str:
        return f"-{self.sampler.replace(':', '-')}{self.steps or ''}" if self.sampler else ""

    @property
    def _setting_name(self) -> str:
        delay = f"-delay{self.delay}" if self.delay else ""
        execution = f"-{self.execution}" if self.execution != HOLD else ""
        return delay + execution + (f"-{self.perturb.replace('=', '-')}" if self.perturb else "")


@dataclass(frozen=True)
class Origin:
    """The origin of a cell's numbers: data, weights, and all code that took part.

    Attributes:
        weights: First digits of the hash of the weights; empty where nothing was trained.
        demonstrations: The same of the demonstrations.
        stamp: The code and versions that trained, and those that evaluate.
    """

    weights: str = ""
    demonstrations: str = ""
    stamp: Stamp = field(default_factory=present_stamp)

    def of_checkpoint(self, facts: CheckpointFacts) -> "Origin":
        """Return the origin of the results of a checkpoint, given its facts, in the same run."""
        demonstrations = short_hash(facts.demonstrations)
        stamp = merge([*facts.made_with, self.stamp])
        return replace(self, weights=facts.weights, demonstrations=demonstrations, stamp=stamp)
