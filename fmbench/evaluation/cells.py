"""Cells: what one group of rows evaluates, and which cells a trained policy is evaluated in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fmbench.config import RunConfig
from fmbench.storage.hashes import short_hash
from fmbench.training.checkpoints import weights_hash
from policies.catalogue import POLICIES

EXPERT, RANDOM = "expert", "random"
NO_SEED = -1


@dataclass(frozen=True)
class Cell:
    """What one group of rows evaluates.

    Attributes:
        task: Name of the task.
        policy: `expert`, `random` or an objective.
        sampler: The sampler, "" for none.
        steps: Its steps, 0 for none and where its tolerance decides.
        train_seed: The training seed, -1 for none.
        headline: Whether the policy's first row in a table is this one.
    """

    task: str
    policy: str
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
    """Where a cell's numbers come from: the hashes that its rows carry."""

    weights: str = ""
    demonstrations: str = ""
    config: str = ""
    commit: str = ""
    device: str = "cpu"

    def of_checkpoint(self, facts: Mapping[str, Any]) -> "Origin":
        """Return the origin of what the checkpoint with these facts does, in the same run."""
        demonstrations = short_hash(str(facts["origin"]["demonstrations"]))
        return replace(self, weights=weights_hash(facts), demonstrations=demonstrations)


def plan_cells(config: RunConfig, task: str, policy: str, train_seed: int) -> list[Cell]:
    """Return the samplers and steps that a trained policy is evaluated with, headline first.

    These are the objective's planned samplers. Those that leave the number of steps open take every
    number of `--nfe` that they accept; others take their only one. The headline is the objective's
    default sampler at its most steps; there are no cells if it accepts none of the numbers.
    """
    objective = POLICIES[policy]
    found: list[tuple[str, int]] = []
    for sampler in objective.planned or objective.limits:
        limits = objective.limits[sampler]
        is_open = limits.highest is None or limits.highest > limits.lowest
        counts = map(limits.steps_at, sorted(config.nfe)) if is_open else (limits.default,)
        found += [(sampler, steps) for steps in counts if steps is not None and limits.allow(steps)]
    headline = max((pair for pair in found if pair[0] == objective.default_sampler), default=None)
    if headline is None:
        return []
    found.sort(key=lambda pair: pair != headline)
    return [
        Cell(task, policy, sampler, steps, train_seed, (sampler, steps) == headline)
        for sampler, steps in found
    ]
