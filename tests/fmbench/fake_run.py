"""A synthetic run with the rows of a real one, as a function of a seed."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fmbench.storage.episode_files import Episodes, write_episodes
from fmbench.storage.files import write_json_atomic
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow, TrainingRow

Configuration: TypeAlias = tuple[str, int, int]  # sampler, steps, nfe
# policy -> (success rate, [(sampler, steps, nfe)]); the first configuration is the headline
POLICIES: dict[str, tuple[float, list[Configuration]]] = {
    "expert": (0.99, [("", 0, 0)]),
    "random": (0.01, [("", 0, 0)]),
    "flow": (0.93, [("euler", 10, 10), ("euler", 1, 1), ("euler", 5, 5), ("heun", 5, 10)]),
    "diffusion": (0.90, [("ddim", 10, 10), ("ddim", 5, 5), ("ddpm", 100, 100)]),
    "bc": (0.45, [("direct", 1, 1)]),
}


def episode_row(
    rng: np.random.Generator,
    task: str,
    policy: str,
    configuration: Configuration,
    train_seed: int,
    episode_seed: int,
    rate: float,
) -> EpisodeRow:
    sampler, steps, nfe = configuration
    success = bool(rng.random() < rate)
    return EpisodeRow(
        task=task,
        policy=policy,
        sampler=sampler,
        steps=steps,
        train_seed=train_seed,
        episode_seed=episode_seed,
        success=success,
        success_any=success or bool(rng.random() < 0.1),
        success_end=success,
        progress=1.0 if success else float(rng.random()),
        episode_return=float(rng.normal()),
        length=int(rng.integers(60, 130)),
        time_to_success_s=float(rng.random() * 4) if success else None,
        mode=str(rng.choice(["left", "right"])) if "Two" in task else "",
        decisions=17,
        nfe=float(nfe),
        action_smoothness=float(rng.random() * 0.1),
        sim_unstable=False,
        error="",
    )


def origins_of(rows: Sequence[EpisodeRow]) -> list[OriginRow]:
    """Return the origin of every cell of some episodes."""
    cells = {tuple(row.cell.values()): row.cell for row in rows}
    return [
        OriginRow(
            **cell,
            task_version=0,
            weights_hash=f"w{cell['train_seed']}" if cell["train_seed"] >= 0 else "",
            demonstrations_hash="0123456789abcdef" if cell["train_seed"] >= 0 else "",
            task_hash="77aa",
            config_hash="88bb",
            commit="abc1234",
            device="cpu",
            versions="torch=2.13.0 mujoco=4.0.0",
        )
        for cell in cells.values()
    ]


def write_episode_rows(folder: Path, rows: Sequence[EpisodeRow]) -> None:
    """Write episodes, and the origin of each cell, into a run folder."""
    write_episodes(folder, Episodes(list(rows), origins_of(rows)))


def make_rows(
    tasks: Sequence[str] = ("fmbench/LiftCube-v0",),
    train_seeds: Sequence[int] = (0,),
    episodes: int = 30,
    seed: int = 0,
) -> tuple[list[EpisodeRow], list[MeasurementRow], list[TrainingRow]]:
    """Return the episodes, measurements and training rows of a run."""
    made: list[EpisodeRow] = []
    measured: list[MeasurementRow] = []
    trained: list[TrainingRow] = []
    for task in tasks:
        ease = np.random.default_rng([seed, zlib.crc32(task.encode())]).uniform(0.7, 1.05)
        for policy, (rate, configurations) in POLICIES.items():
            learned = policy not in ("expert", "random")
            for train_seed in train_seeds if learned else [-1]:
                rng = np.random.default_rng(
                    [seed, train_seed + 1, zlib.crc32(f"{task} {policy}".encode())]
                )
                chance = min(rate * (ease if learned else 1), 1) - 0.05 * rng.random() * learned
                for configuration in configurations:
                    few = 0.6 if configuration[:2] == ("ddim", 5) else 1.0
                    made += [
                        episode_row(
                            rng, task, policy, configuration, train_seed, 20_000 + i, chance * few
                        )
                        for i in range(episodes)
                    ]
                    if learned:
                        latency = 0.31 + 0.15 * configuration[2]
                        measured.append(
                            MeasurementRow(
                                task,
                                policy,
                                *configuration[:2],
                                train_seed,
                                configuration == configurations[0],
                                1_234_567,
                                6_000,
                                125.0 + train_seed,
                                latency,
                                latency * 1.4,
                            )
                        )
                if learned:
                    for update in range(100, 6_001, 100):
                        loss = 0.4 * update**-0.45 * (2 if policy == "bc" else 1)
                        loss *= float(rng.lognormal(0, 0.1))
                        trained.append(
                            TrainingRow(task, policy, train_seed, update, loss, 3e-4, 0.5)
                        )
    return made, measured, trained


def write_run(folder: Path, preset: str = "quick", **options: Any) -> Path:
    """Write the run folder of `make_rows(**options)` and return its path."""
    made, measured, trained = make_rows(**options)
    write_episode_rows(folder, made)
    write_rows(folder / MeasurementRow.file_name, measured, MeasurementRow)
    write_rows(folder / TrainingRow.file_name, trained, TrainingRow)
    write_json_atomic(
        folder / "run.json",
        {"preset": preset, "commit": "abc1234", "versions": {"torch": "2.13.0", "mujoco": "4.0.0"}},
    )
    return folder
