"""Recorded episodes of a page, made by hand."""

from pathlib import Path

from fmbench.report.page.media import DataSheet, ObservedField, PlayedEpisode, PlayedStates
from fmbench.report.page.runs import NamedRun
from fmbench.report.results import read_results
from fmbench.storage.recordings import RecordingFacts
from tests.fmbench.fake_run import write_run

SHEET = DataSheet(
    description="Lift <b>it</b>.",
    version=3,
    horizon=150,
    hold_steps=10,
    control_period_s=0.04,
    actions=("one", "two"),
    observed=(ObservedField("cube", 3, "m", 2.0, "where it is", True),),
    modes=("left", "right"),
    is_sanity=True,
    notes={"Success": "it is held"},
)


def played(
    policy: str = "flow",
    seed: int = 20_000,
    success: bool = True,
    run: str = "one",
    task: str = "Lift",
    train_seed: int = 0,
    packed: str = "AAAA",
) -> PlayedEpisode:
    """An episode of which the page has the states."""
    facts = RecordingFacts(
        task=task, task_version=0, task_hash="0" * 64, hash_kind=2, episode_seed=seed,
        policy=policy, sampler="", steps=0, train_seed=train_seed, weights_hash="",
        success=success, length=3, nfe=1.0, mode="", control_period_s=0.04,
    )  # fmt: skip
    states = PlayedStates(packed, 2, 0, False, 2, [])
    return PlayedEpisode(run, f"{policy}-{seed}.npz", facts, states)


def named_run(folder: Path, name: str = "one", **options: object) -> NamedRun:
    """A run with made-up rows."""
    return NamedRun(name, folder, read_results(write_run(folder, **options)))  # type: ignore[arg-type]
