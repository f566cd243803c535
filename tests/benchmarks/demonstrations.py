"""Compare the generation of 200 LiftCube demonstrations with its physics alone."""

import tempfile
from pathlib import Path

from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig
from tests.benchmarks.interleaved import Duration, in_turn, ratio, spread, timed
from tests.benchmarks.recording import Repetition, recorded
from tests.benchmarks.report import Row

CONFIG = DemonstrationConfig("LiftCube", episodes=200)
ROUNDS, LIMIT_S = 5, 15.0


def measure() -> list[Row]:
    """Return the time, and its ratio to the physics of the expert's episodes and their replay."""
    with recorded() as recordings:
        _make()
    repetitions = [Repetition(recording) for recording in recordings]

    def physics() -> Duration:
        return sum((repeat() for repeat in repetitions), Duration(0.0, 0.0))

    times = in_turn({"make": timed(_make), "physics": physics}, ROUNDS)
    make, bare = times["make"], times["physics"]
    steps = sum(recording.control_steps for recording in recordings)
    return [
        Row("expert, replay and storing", spread(make.wall), 1, "s", spread(make.cpu), LIMIT_S),
        Row(
            f"the same, over the physics of its {steps} control steps",
            ratio(make.wall, bare.wall),
            cpu=ratio(make.cpu, bare.cpu),
        ),
    ]


def _make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_demonstrations(CONFIG, Path(folder))
