"""A training with demonstrations in the folder of a run: what goes on after an interruption."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import PartOfStage, Stage
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.rl.checkpoints import ACTING, REPLAY, TRAINING
from fmbench.rl.loading import load_agent
from fmbench.runs import reinforcement
from fmbench.runs.reinforcement import RLOptions, run_rl
from fmbench.storage.files import read_json
from tests.fmbench.rl.small_training import REQUESTS, small_recipes
from tests.fmbench.runs.small_experiment import Log
from tests.fmbench.small_run import files_of

DEMOS = 2
REQUEST = REQUESTS["sac_her"]
QUIET, LEARNING = 80, 160
"""Steps before and after the first update, at step 120: the horizon in both environments."""


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    torch.set_num_threads(1)
    with small_recipes():
        yield


class _StopsAt(Log):
    """Requests a stop once a training has done some steps."""

    def __init__(self, steps: float) -> None:
        super().__init__(Interrupts())
        self._steps = steps

    @contextmanager
    def stage(
        self, name: str, total: int, done: int = 0, pieces: Sequence[str] = ()
    ) -> Iterator[Stage]:
        with super().stage(name, total, done, pieces) as stage:
            yield _Watched(stage, self, self._steps) if name.endswith(" training") else stage


class _Watched(PartOfStage):
    def __init__(self, stage: Stage, log: Log, steps: float) -> None:
        super().__init__(stage, 0)
        self._log, self._steps = log, steps

    def update(self, done: int, left: float | None = None) -> None:
        super().update(done, left)
        self._log.interrupts.requested |= done >= self._steps


def train(out: Path, *, stop_at: int | None = None, seed: int = 1) -> Path:
    """Train to the end, or until a signal arrives at a step; return the checkpoint.

    Rows follow those of seed 0 only.
    """
    log = _StopsAt(float("inf") if stop_at is None else stop_at)
    request, session = dataclasses.replace(REQUEST, train_seed=seed), Session(log, log.interrupts)
    words = request, out, out.parent / "data", session, RLOptions(2, DEMOS)
    if stop_at is None:
        run_rl(*words)
    else:
        with pytest.raises(KeyboardInterrupt):
            run_rl(*words)
    (checkpoint,) = (out / "checkpoints").glob(f"[!.]*-seed{seed}")
    return checkpoint


def updates(checkpoint: Path) -> int:
    return int(read_json(checkpoint / "state.json")["counters"]["updates"])


def test_an_interrupted_imitation_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert updates(train(tmp_path / "twice", stop_at=QUIET)) == 0
    torch.manual_seed(7)  # what another process would have there
    twice, once = (train(tmp_path / name, stop_at=LEARNING) for name in ("twice", "once"))
    half = updates(twice)
    assert half > 0
    for file in (ACTING, TRAINING, REPLAY):
        assert (once / file).read_bytes() == (twice / file).read_bytes(), file
    train(tmp_path / "twice")
    whole = train(tmp_path / "whole")
    assert updates(twice) == updates(whole) > half
    assert (twice / ACTING).read_bytes() == (whole / ACTING).read_bytes()
    # A training that forgets to imitate after an interruption gets other weights.
    monkeypatch.setattr(reinforcement, "imitate", lambda *_: None)
    train(tmp_path / "once")
    assert updates(once) == updates(whole)
    assert (once / ACTING).read_bytes() != (whole / ACTING).read_bytes()


def test_a_checkpoint_is_named_as_its_policy_in_rows(tmp_path: Path) -> None:
    checkpoint = train(tmp_path / "run", stop_at=QUIET)
    assert checkpoint.name == "ReachPose-sb3-sac-her-demos-seed1"
    earlier = checkpoint.rename(checkpoint.with_name("ReachPose-sb3-sac-her-seed1"))
    expected = f"{earlier} is a checkpoint of sb3-sac-her-demos; rename it to {checkpoint.name}"
    with pytest.raises(FmbenchError) as refused:
        train(tmp_path / "run")
    assert str(refused.value) == expected
    assert not checkpoint.exists()
    earlier.rename(checkpoint)
    assert train(tmp_path / "run", stop_at=LEARNING) == checkpoint
    assert read_json(checkpoint / "state.json")["counters"]["steps"] == LEARNING


def test_an_unfinished_seed_is_none_of_the_rows_and_can_act(tmp_path: Path) -> None:
    half = train(tmp_path / "run", stop_at=LEARNING, seed=0)
    rows = read_json(half / "state.json")["counters"]["replay_rows"]
    assert rows > REQUEST.steps // REQUEST.num_envs  # more than fit without demonstrations
    before = files_of(half)
    train(tmp_path / "run", seed=1)
    assert not (tmp_path / "run" / "run.json").exists()
    assert files_of(half) == before
    assert load_agent(half).num_timesteps == LEARNING
