"""The pieces of a run, and how long they are expected to take before any is done.

The constants are of two cores and of one task; while a run goes on, ratios to what was measured
correct them (`fmbench.cli.outlook`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from fmbench.cli.outlook import Piece
from fmbench.config import STATE, RunConfig
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell
from fmbench.evaluation.disturbances import disturbed_cells
from fmbench.evaluation.plan import Plan
from fmbench.runs.grid.estimate import EPISODE_S, episode_s, update_s
from fmbench.runs.policy_shape import policy_config, updates_of
from fmbench.runs.run_plugins import files_of_task
from fmbench.runs.teachers import trained_by
from policies.catalogue import POLICIES
from policies.training_rows import rows_per_window

DEMONSTRATION_S, PICTURES_S = 0.05, 0.3
"""Making one demonstration and replaying it; drawing what is seen in one [s]."""
COSTLY_STEPS = 50.0
"""Network evaluations per decision that take as long as the simulation."""
DECISIONS, DECISION_S = 120, 0.001
"""Decisions whose latency is measured, and one network evaluation of one [s]."""
HEADLINE_S, OTHER_S, SHEET_S, DRAWING_S = 1.0, 0.2, 1.5, 3.0
"""Diagnostics of a headline and of another cell; a contact sheet; tables and figures of a task."""
DRAWING = "tables and figures"


def training_piece(task: str, policy: str, train_seed: int) -> str:
    """Return the name of the piece that is one training."""
    return f"{task} {policy} seed {train_seed} training"


def sheet_piece(cell: Cell) -> str:
    """Return the name of the piece that is the contact sheet of a cell."""
    return f"{cell.name} contact sheet"


def pieces_of_run(
    config: RunConfig, plan: Plan, references: bool, times_decisions: bool, draws: bool
) -> Iterator[Piece]:
    """Yield the pieces of a run; those on disk are among them.

    Args:
        config: The run.
        plan: Its plan.
        references: Whether the expert and random actions are played.
        times_decisions: Whether the latency of decisions is measured.
        draws: Whether tables, figures and contact sheets are drawn.
    """
    for task in config.task:
        yield Piece(f"{task} demonstrations", ("demonstrations",), config.demos * DEMONSTRATION_S)
        if config.observation != STATE:
            for kind in ("pictures", "features"):
                yield Piece(f"{task} {kind}", (kind,), config.demos * PICTURES_S)
        for reference in (EXPERT, RANDOM) if references else ():
            yield from _played(Cell(task, reference), config)
        for policy in config.policy if config.from_run else trained_by(config):
            seconds = _training_s(config, task, policy)
            for seed in range(config.seeds):
                yield Piece(training_piece(task, policy, seed), ("training", policy), seconds)
        for policy in config.policy:
            for seed in range(config.seeds):
                for piece in pieces_of_policy(config, plan, task, policy, seed):
                    is_left_out = not times_decisions and piece.kind[0] == "measurement"
                    if not is_left_out and (draws or piece.kind[0] != "sheet"):
                        yield piece
    if draws:
        yield Piece(DRAWING, ("drawing",), DRAWING_S * len(config.task))


def pieces_of_policy(
    config: RunConfig, plan: Plan, task: str, policy: str, train_seed: int
) -> Iterator[Piece]:
    """Yield the pieces of the evaluation of one trained policy."""
    plain = plan.cells(task, policy, train_seed)
    for cell in plain:
        yield _episodes(cell, config)
        seconds = DECISIONS * DECISION_S * (1 + cell.steps)
        yield Piece(f"{cell.name} measurement", ("measurement", task), seconds)
        seconds = HEADLINE_S if cell.headline else OTHER_S
        kind = ("diagnostics", "headline" if cell.headline else "other", task)
        yield Piece(f"{cell.name} diagnostics", kind, seconds)
        if cell.headline and train_seed == 0:
            yield Piece(sheet_piece(cell), ("sheet",), SHEET_S)
        for way in plan.acting.get(policy, ()):
            further = _episodes(way.of(cell, way.delay or 0), config)
            if way.delay is None:  # measured: it has another name when it is known
                further = dataclasses.replace(further, name=f"{further.name}, measured")
            yield further
    for headline in plain[:1]:
        for cell in disturbed_cells(headline, config.perturb):
            yield _episodes(cell, config)


def pieces_of_outside(
    config: RunConfig, cells: Iterable[Cell], times_decisions: bool, draws: bool
) -> Iterator[Piece]:
    """Yield the pieces of the evaluation of a policy from outside; see `pieces_of_run`."""
    (task,) = config.task
    for reference in (EXPERT, RANDOM):
        yield _episodes(Cell(task, reference), config)
    for cell in cells:
        yield _episodes(cell, config)
        if times_decisions:
            seconds = DECISIONS * DECISION_S * (1 + cell.steps)
            yield Piece(f"{cell.name} measurement", ("measurement", task), seconds)
    if draws:
        yield Piece(DRAWING, ("drawing",), DRAWING_S)


def _played(cell: Cell, config: RunConfig) -> Iterator[Piece]:
    """Yield the pieces of a reference."""
    yield _episodes(cell, config)
    if cell.policy == EXPERT:
        for disturbed in disturbed_cells(cell, config.perturb):
            yield _episodes(disturbed, config)


def _episodes(cell: Cell, config: RunConfig) -> Piece:
    alone = episode_s(config) if cell.sampler else EPISODE_S  # references see nothing
    seconds = config.episodes * (alone + EPISODE_S * cell.steps / COSTLY_STEPS)
    kind = ("episodes", cell.task, cell.policy)
    return Piece(f"{cell.name} episodes", kind, seconds)


def _training_s(config: RunConfig, task: str, policy: str) -> float:
    """Return the expected duration of one training [s]."""
    state = dataclasses.replace(config, observation=STATE)  # `update_s` knows what is observed
    try:
        shape = policy_config(state, task, policy)
        rows = rows_per_window(shape, config.batch_size)
        updates = updates_of(config, shape)
    except Exception:  # of a user's policy or task; it is named where the run comes to it
        if not (POLICIES[policy].files or files_of_task(task)):
            raise
        rows, updates = 1.0, config.updates
    return updates * update_s(config, rows) / config.seeds
