"""A resumable evaluation of a policy from outside of fmbench, in a run folder like all others.

It is trained elsewhere and acts in the same harness, on the same test episodes. Its rows stand
beside those of fmbench's own policies, with the expert and random actions of the same episodes.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from envs.registry import make_task
from envs.task_hash import task_hash
from fmbench.cli.folders import check_out
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.config import ADDED, PIXELS, STATE, RunConfig, outside_cell_hash
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.outside import OutsidePolicy, measure_outside
from fmbench.runs.cell_store import CellStore
from fmbench.runs.expected import pieces_of_outside
from fmbench.runs.finish import RunRows, finish_run, show_run
from fmbench.runs.preparation import check_device
from fmbench.runs.run_folder import hold_run_folder, open_run_folder, start_facts
from fmbench.runs.run_plugins import files_of_task
from fmbench.sight.opening import Sights
from fmbench.storage.hashes import short_hash
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.provenance import versions, versions_text
from fmbench.storage.rows import REFERENCES
from fmbench.storage.run_facts import MadeDemonstrations, RunFacts
from fmbench.storage.stamps import Stamp, present_stamp
from policies.catalogue import POLICIES
from policies.registry import NAME

WRITER = "fmbench.evaluate"
PRESET = "outside"
"""In place of a preset, in the configuration of a policy from outside."""
PLACE = 1000
"""Its rank in tables and figures: after fmbench's own."""


@dataclasses.dataclass(frozen=True)
class OutsideConfig(RunConfig):
    """The values of an evaluation; its JSON has only what is true of the policy from outside.

    Attributes:
        stated: What is known of the policy, by the names of `RunConfig` where it has them.
    """

    stated: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        names = ("policy", "task", "preset", "seeds", "episodes", "demos", "backbone")
        values = {name: getattr(self, name) for name in (*names, "observation", "device")}
        if self.test_block != ADDED["test_block"]:
            values["test_block"] = self.test_block
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {**self.stated, **listed}

    def cell_hash(self, policy: str) -> str:
        """Return the hash of the values that decide the cells of one policy."""
        if policy in REFERENCES:
            return super().cell_hash(policy)
        return outside_cell_hash(self.to_json())


def outside_config(policy: OutsidePolicy, episodes: int, device: str) -> OutsideConfig:
    """Return the configuration of an evaluation.

    Args:
        policy: The policy.
        episodes: Test episodes of each of its checkpoints.
        device: Where it acts: cpu, cuda or cuda:N.
    """
    return OutsideConfig(
        policy=(policy.name,),
        task=(policy.task,),
        preset=PRESET,
        seeds=len(policy.checkpoints),
        episodes=episodes,
        demos=policy.demos,
        backbone=policy.backbone,
        device=device,
        observation=STATE if policy.sight is None else PIXELS,
        stated={"sampler": policy.sampler, "steps": policy.steps, **policy.settings},
    )


def default_outside_folder(config: OutsideConfig) -> Path:
    """Return the default folder of an evaluation, a function of its configuration."""
    return Path("runs") / f"{config.task[0]}-{config.policy[0]}-{config.hash}"


class OutsideRun:
    """The evaluation of a policy from outside, in one folder.

    Args:
        policy: The policy.
        config: The evaluation; see `outside_config`.
        out: The run's folder; an unfinished evaluation of the same policy there is resumed.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.
        times_decisions: Whether to measure the latency of decisions.
        draws: Whether tables and figures are drawn.

    Raises:
        FmbenchError: The name is that of a policy of fmbench, or the device is not here.
    """

    def __init__(
        self,
        policy: OutsidePolicy,
        config: OutsideConfig,
        out: Path,
        session: Session,
        command: str = "",
        accept_changes: bool = False,
        times_decisions: bool = True,
        draws: bool = True,
    ) -> None:
        check_device(config.device)
        if policy.name in {*POLICIES, *REFERENCES} or not NAME.fullmatch(policy.name):
            raise FmbenchError(
                f"a policy from outside is called {policy.name!r}; give it a name of its own, of "
                "letters, digits and hyphens"
            )
        self.policy, self.config, self.out, self.session = policy, config, out, session
        self.command, self.accept_changes = command, accept_changes
        self.times_decisions, self.draws = times_decisions, draws

    def run(self) -> None:
        """Do all remaining work and draw the tables and figures, while holding the folder's lock.

        Raises:
            FmbenchError: `out` is in use, or holds something else.
        """
        with hold_run_folder(self.out, f"python -m {WRITER}", self.policy.keeps):
            self.run_held()

    def run_held(self) -> None:
        """Do the same in a folder whose lock the caller holds."""
        started, policy, task = time.time(), self.policy, self.policy.task
        stamp = _stamp(policy)
        facts = open_run_folder(
            self.out, self._facts(stamp), WRITER, self.session.reporter, self.accept_changes
        )
        own = Sights(dataclasses.replace(self.config, observation=STATE))  # it sees by itself
        made_with = facts.made_with
        cells = CellStore(self.out, self.config, self.session, made_with, self.times_decisions, own)
        if self.session.reporter.is_shown:
            pieces = pieces_of_outside(self.config, self._cells(), self.times_decisions, self.draws)
            self.session.reporter.outlook.plan(pieces)
        with users_code(task, files_of_task(task)):
            rows = self._rows(cells, stamp)
        made = {}
        if policy.demonstrations:
            # What it has learnt from does not say in how many attempts that was made.
            made[task] = MadeDemonstrations(
                policy.demos, attempted=None, failed=None, sha256=policy.demonstrations
            )
        facts = dataclasses.replace(facts, demonstrations=made)
        finish_run(self.out, rows, facts, started, self.session, self.draws)

    def _rows(self, cells: CellStore, stamp: Stamp) -> RunRows:
        """Evaluate expert, random actions and every checkpoint."""
        rows, policy = RunRows(), self.policy
        for reference in REFERENCES:
            rows.episodes += cells.episodes(Cell(policy.task, reference), Origin(), None)
        obs_dim = make_task(policy.task).obs_dim
        for cell, checkpoint in zip(self._cells(), policy.checkpoints, strict=True):
            weights, data = short_hash(checkpoint.weights), short_hash(policy.demonstrations)
            origin = Origin(weights, data, stamp)
            episodes = cells.episodes(cell, origin, checkpoint)
            rows.episodes += episodes
            times = self.times_decisions and not episodes.has_errors
            measure = partial(measure_outside, cell, checkpoint, obs_dim, times)
            rows.measurements.append(cells.cost(cell, origin, measure))
            rows.learning += [
                LearningRow(cell.task, cell.policy, cell.train_seed, *point)
                for point in checkpoint.learning
            ]
        return rows

    def _cells(self) -> list[Cell]:
        return [self.policy.cell(seed) for seed in range(len(self.policy.checkpoints))]

    def _facts(self, stamp: Stamp) -> RunFacts:
        """Return the facts for the `run.json` of a new evaluation."""
        policy = self.policy
        weights = {f"weights {k}": c.weights for k, c in enumerate(policy.checkpoints)}
        look = {"label": policy.label, "colour": policy.colour, "place": PLACE}
        facts = start_facts(
            self.config,
            {policy.task: task_hash(policy.task)},
            self.command,
            stamp,
            {policy.name: look},
        )
        return dataclasses.replace(
            facts,
            sights=None if policy.sight is None else {policy.task: policy.sight.identity},
            outside={**policy.facts, **weights},
            versions={**versions(), **policy.versions},
            demonstrations={},
            planned_cells=len(REFERENCES) + len(policy.checkpoints),
        )


def _stamp(policy: OutsidePolicy) -> Stamp:
    """Return the stamp of this process, with the packages by which the policy acts."""
    named = versions_text({**versions(), **policy.versions})
    return dataclasses.replace(present_stamp(), versions=named)


def run_outside(
    policy: OutsidePolicy,
    episodes: int,
    device: str,
    out: Path | None,
    session: Session,
    command: str = "",
    accept_changes: bool = False,
    times_decisions: bool = True,
) -> Path:
    """Evaluate a policy from outside in the process of a command, and print the table.

    Args:
        policy: The policy.
        episodes: Test episodes of each of its checkpoints.
        device: Where it acts: cpu, cuda or cuda:N.
        out: The run's folder; None for `default_outside_folder`.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.
        times_decisions: Whether to measure the latency of decisions.

    Returns:
        The run's folder.
    """
    configure_torch(device)
    config = outside_config(policy, episodes, device)
    out = out or default_outside_folder(config)
    check_out(out)
    OutsideRun(policy, config, out, session, command, accept_changes, times_decisions).run()
    show_run(out)
    return out
