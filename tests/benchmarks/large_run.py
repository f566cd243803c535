"""Synthetic finished runs of 204,000 episodes in 2,040 cells, as the grid of a paper has.

One has plain cells only, the other one mostly delayed cells.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fmbench.config import RunConfig, cell_hash
from fmbench.storage.episode_files import Episodes, write_episodes
from fmbench.storage.hashes import short_hash
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import (
    HOLD,
    REFERENCES,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    TrainingRow,
)
from fmbench.storage.run_facts import RunFacts, write_run_facts
from fmbench.storage.run_rows import FIRST_TEST_SEEDS, hash_rows
from fmbench.storage.stamps import Stamp
from policies.catalogue import POLICIES

TASKS = tuple(f"Task{i:02}" for i in range(20))
SEEDS, EPISODES = 5, 100
MORE = [("flow", "euler", steps) for steps in (1, 2, 4, 8)]
MORE += [("diffusion", "ddim", steps) for steps in (1, 2, 4)]
"""Configurations besides the headline of each policy."""
CONFIGURATIONS = [*((name, "euler", 16) for name in POLICIES), *MORE]
STAMP = Stamp("0123456789abcdef", "python=3.12.3 torch=2.13.0 mujoco=4.0.0", "abc1234")
TASK_HASH = "7e3f6cf3e2922aa396fb3d6a95b98ff632447c924764a366d23169440ffe8f16"
UPDATES = range(100, 6_001, 100)
STAGES = ("start", "reached", "lifted", "held")
Way = tuple[int, str]
"""Delay and execution."""
PLAIN: Way = (0, HOLD)


def write_large_run(
    folder: Path,
    tasks: tuple[str, ...] = TASKS,
    seeds: int = SEEDS,
    episodes: int = EPISODES,
    ways: tuple[Way, ...] = (),
) -> int:
    """Write the run's folder, complete and sealed, and return its number of episodes.

    Args:
        folder: The folder.
        tasks: Its tasks.
        seeds: Training seeds.
        episodes: Episodes of each cell.
        ways: Delay and execution of cells besides the plain ones.
    """
    config = RunConfig(
        task=tasks,
        policy=tuple(POLICIES),
        seeds=seeds,
        episodes=episodes,
        delay=tuple(dict.fromkeys(str(delay) for delay, _ in (PLAIN, *ways))),
        execution=tuple(dict.fromkeys(execution for _, execution in (PLAIN, *ways))),
    )
    values = config.to_json()
    plain = list(_cells(tasks, seeds))
    trained = [cell for cell in plain if cell[1] not in REFERENCES]
    cells = [(PLAIN, cell) for cell in plain] + [(way, cell) for way in ways for cell in trained]
    rng = np.random.default_rng(0)
    rows = [row for way, cell in cells for row in _acting(way, _episodes(cell, episodes, rng))]
    origins = [
        dataclasses.replace(
            _origin(cell, cell_hash(values, str(cell[1])), str(values["device"])),
            delay=way[0],
            execution=way[1],
        )
        for way, cell in cells
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_episodes(folder, Episodes(rows, origins))
    costs = [_cost(cell, rng) for cell in trained]
    write_rows(folder / MeasurementRow.file_name, costs, MeasurementRow)
    headlines = [cell for cell in trained if cell[1:4] in CONFIGURATIONS[: len(POLICIES)]]
    losses = [
        TrainingRow(cell[0], cell[1], cell[4], update, float(rng.uniform(0.001, 0.2)), 3e-4, 0.5)
        for cell in headlines
        for update in UPDATES
    ]
    write_rows(folder / TrainingRow.file_name, losses, TrainingRow)
    chunks = [
        DiagnosticRow(*cell, 256, 8, *rng.uniform(0.01, 0.3, 3).tolist()) for cell in headlines
    ]
    write_rows(folder / DiagnosticRow.file_name, chunks, DiagnosticRow)
    facts = RunFacts(
        schema=2,
        preset=config.preset,
        config=values,
        task_hashes=dict.fromkeys(tasks, TASK_HASH),
        hash_kind=2,
        control_periods=dict.fromkeys(tasks, 0.04) if ways else None,
        made_with=(STAMP,),
        planned_cells=len(cells),
        complete=True,
        seconds=1.0,
        sha256=hash_rows(folder),
    )
    write_run_facts(folder, facts)
    return len(rows)


Cell = tuple[str, str, str, int, int]
"""The values of `CellRow.key`."""


def _cells(tasks: Sequence[str], seeds: int) -> Iterator[Cell]:
    """Yield the cells of the run in the order of its evaluation."""
    for task in tasks:
        yield from ((task, reference, "", 0, -1) for reference in REFERENCES)
        for configuration in CONFIGURATIONS:
            yield from ((task, *configuration, seed) for seed in range(seeds))


def _episodes(cell: Cell, count: int, rng: np.random.Generator) -> Iterator[EpisodeRow]:
    """Yield the episodes of a cell, whose rate is that of its policy and deviates a little."""
    expected = {"expert": 0.99, "random": 0.01}.get(cell[1], _rate(*cell[:4]))
    solved = rng.random(count) < expected + 0.1 * np.sqrt(expected * (1 - expected)) * rng.normal()
    lengths = rng.integers(20, 300, count)
    progress, returns = np.where(solved, 1.0, rng.random(count)), rng.normal(20, 8, count)
    smoothness, forces = rng.uniform(0, 0.1, count), rng.lognormal(2.0, 0.5, count)
    reached = np.where(solved, len(STAGES) - 1, rng.integers(0, len(STAGES) - 1, count))
    for i in range(count):
        yield EpisodeRow(
            *cell,
            episode_seed=FIRST_TEST_SEEDS[1] + i,
            success=bool(solved[i]),
            success_any=bool(solved[i]),
            success_end=bool(solved[i]),
            progress=float(progress[i]),
            episode_return=float(returns[i]),
            length=int(lengths[i]),
            time_to_success_s=float(0.04 * lengths[i]) if solved[i] else None,
            mode="left" if solved[i] and i % 2 else "right" if solved[i] else "",
            decisions=int(lengths[i]) // 8 + 1,
            nfe=float(cell[3]),
            action_smoothness=float(smoothness[i]),
            sim_unstable=False,
            error="",
            peak_contact_force=float(f"{forces[i]:.4g}"),
            drops=int(lengths[i]) // 250,
            stage=STAGES[int(reached[i])],
            stages_reached=int(reached[i]),
        )


def _acting(way: Way, rows: Iterator[EpisodeRow]) -> Iterator[EpisodeRow]:
    """Yield the same episodes with a delay and an execution."""
    if way == PLAIN:
        yield from rows
        return
    for row in rows:
        delay, execution = way
        jump = 0.1 + 0.01 * delay
        yield dataclasses.replace(
            row, delay=delay, execution=execution, boundary_jump=jump, jerk=0.02
        )


def _rate(*configuration: object) -> float:
    """Return the rate of a policy on a task: 0, 1 or between, each in a third of the cases."""
    place = zlib.crc32(repr(configuration).encode()) / 2**32
    return float(np.clip(3 * place - 1, 0, 1))


def _origin(cell: Cell, config_hash: str, device: str) -> OriginRow:
    trained = cell[1] not in REFERENCES
    weights = f"{zlib.crc32(repr((cell[0], cell[1], cell[4])).encode()):016x}" if trained else ""
    return OriginRow(
        *cell, 1, weights, "", short_hash(TASK_HASH), config_hash, STAMP.commit, device,
        STAMP.versions, STAMP.code_hash,
    )  # fmt: skip


def _cost(cell: Cell, rng: np.random.Generator) -> MeasurementRow:
    headline = cell[1:4] in CONFIGURATIONS[: len(POLICIES)]
    latency = float(rng.uniform(0.3, 3.0))
    return MeasurementRow(*cell, headline, 874_836, 6_000, 125.0, latency, 1.4 * latency, 1.0)
