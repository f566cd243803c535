"""Runs of seconds of policies that see: with stored features, and with an encoder in training."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.config import FEATURES, PIXELS
from fmbench.evaluation import diagnostics, held_out
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.training_data import TrainingData, prepare
from fmbench.sight.opening import Sights
from policies.encoders import vit
from tests.fmbench.runs.small_experiment import CONFIG, Log, quickly

_SMALL = replace(CONFIG, cameras=("main",), image_size=32, renderer="rays", features=8)
SEEING = {
    FEATURES: replace(_SMALL, observation=FEATURES, encoder="random"),
    PIXELS: replace(_SMALL, observation=PIXELS, encoder="vit", batch_size=4),
}
"""What is observed to the configuration of a run."""
CACHES = {FEATURES: ("pictures", "features"), PIXELS: ("pictures",)}
"""What is observed to what is stored of it beside the demonstrations."""


@contextmanager
def quickly_seeing() -> Iterator[None]:
    """Let runs be as in `quickly`, the transformer be tiny, and diagnostics look at little."""
    with quickly(), pytest.MonkeyPatch.context() as patch:
        for name, value in {"WIDTH": 24, "DEPTH": 1, "HEADS": 3}.items():
            patch.setattr(vit, name, value)
        patch.setattr(held_out, "WINDOWS", 4)
        patch.setattr(diagnostics, "SAMPLES", 1)
        yield


def silent_session() -> Session:
    """Return a session that prints nothing."""
    interrupts = Interrupts()
    return Session(Log(interrupts), interrupts)


def prepared(observation: str, data: Path) -> TrainingData:
    """Return the training data of a run of `SEEING`, whose sight is closed."""
    config, session = SEEING[observation], silent_session()
    folder = demonstrate(config, "PressEither", data, session)
    sights = Sights(config)
    training_data, _ = prepare(config, folder, sights.of("PressEither"), "PressEither", session)
    sights.close()
    return training_data


def cache_folders(data: Path, kind: str = "*") -> list[Path]:
    """Return the folders of stored pictures or features, whole ones."""
    kinds = ("pictures", "features") if kind == "*" else (kind,)
    return sorted(x for each in kinds for x in data.glob(f"[!.]*-{each}-*") if x.is_dir())
