"""TensorBoard's event files: every point once, whatever was interrupted, and the same rows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench import run as command
from fmbench.cli import extras
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.report.statistics import wilson_interval
from fmbench.runs import trainer
from fmbench.runs.experiment import Experiment
from fmbench.runs.run_options import RunOptions
from fmbench.runs.trainer import Trainer
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, TrainingRow
from fmbench.training.loop import train_together
from fmbench.training.stacked import SIZES
from tests.fmbench.runs.small_experiment import CONFIG, Log, comparable, quickly
from tests.fmbench.small_run import call

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
SMALL = replace(CONFIG, policy=("flow", "bc"), seeds=2, nfe=(1, 2), updates=12)
"""Logged at updates 5, 10 and 12."""


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    train_config = trainer.train_config
    with quickly():
        monkeypatch.setattr(
            trainer, "train_config", lambda config: replace(train_config(config), log_every=5)
        )
        yield


def followed(out: Path, data: Path, seeds: int = 2, tensorboard: bool = True) -> None:
    """Run with `--tensorboard`, or without."""
    interrupts = Interrupts()
    options = RunOptions("", times_decisions=False, draws=False, tensorboard=tensorboard)
    config, session = replace(SMALL, seeds=seeds), Session(Log(interrupts), interrupts)
    Experiment(config, out, data, session, options).run()


def curves(out: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return the points of each tag of each curve, as TensorBoard reads them."""
    found = {}
    for folder in sorted((out / "tensorboard").iterdir()):
        reader = event_accumulator.EventAccumulator(str(folder))
        reader.Reload()
        found[folder.name] = {
            tag: [(point.step, point.value) for point in reader.Scalars(tag)]
            for tag in reader.Tags()["scalars"]
        }
    return found


def expected(out: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return the points that the rows of a run mean."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in read_rows(out / TrainingRow.file_name, TrainingRow):
        curve = found.setdefault(f"PressEither-{row.policy}-seed{row.train_seed}", {})
        for name in ("loss", "learning_rate", "gradient_norm"):
            curve.setdefault(f"training/{name}", []).append((row.update, getattr(row, name)))
    episodes = read_rows(out / EpisodeRow.file_name, EpisodeRow)
    for k in range(0, len(episodes), SMALL.episodes):
        cell = episodes[k]
        wins = sum(row.success for row in episodes[k : k + SMALL.episodes])
        low, high = wilson_interval(wins, SMALL.episodes)
        seed = f"-seed{cell.train_seed}" if cell.sampler else ""
        way = f"{cell.sampler}{cell.steps}" if cell.sampler else "plain"
        curve = found.setdefault(f"PressEither-{cell.policy}{seed}", {})
        step = SMALL.updates if cell.sampler else 0
        rates = {"success": wins / SMALL.episodes, "success_low": low, "success_high": high}
        curve.update({f"{name}/{way}": [(step, rate)] for name, rate in rates.items()})
    return found


def is_the_same(out: Path) -> bool:
    """Compare the curves of a run with its rows."""
    there, rows = curves(out), expected(out)
    assert sorted(there) == sorted(rows)
    for curve, tags in rows.items():
        assert sorted(there[curve]) == sorted(tags)
        for tag, points in tags.items():
            assert [step for step, _ in there[curve][tag]] == [step for step, _ in points], tag
            values = [value for _, value in points]
            assert [value for _, value in there[curve][tag]] == pytest.approx(
                values, rel=1e-5
            )  # rows are rounded
    return True


def without_events(out: Path) -> dict[str, object]:
    """Return what is comparable of a run besides its event files."""
    files = comparable(out).items()
    return {name: file for name, file in files if not name.startswith("tensorboard/")}


def test_curves_are_the_rows_and_change_none_of_them(
    demonstrations_folder: Path, tmp_path: Path
) -> None:
    data = demonstrations_folder.parent
    followed(tmp_path / "plain", data, 1, tensorboard=False)
    followed(tmp_path / "followed", data, 1)
    assert is_the_same(tmp_path / "followed")
    assert without_events(tmp_path / "followed") == comparable(tmp_path / "plain")
    followed(tmp_path / "plain", data, 1)  # of a finished run
    assert is_the_same(tmp_path / "plain")


@pytest.mark.parametrize("stacked", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_resumed_run_continues_its_curves_without_doubling_points(
    stacked: bool, demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = demonstrations_folder.parent
    if stacked:  # as on a GPU: several policies and seeds in one program
        sizes = property(lambda trainer: [SIZES[-1]] * trainer.config.seeds)
        monkeypatch.setattr(Trainer, "_stack_sizes", sizes)
    monkeypatch.setattr(trainer, "CHECKPOINT_UPDATES", 4)

    def cut(*arguments: object, on_update, **options: object) -> bool:
        def count(update: int) -> None:
            on_update(update)
            if update == 11:  # logged: 5 and 10; saved: 8
                raise KeyboardInterrupt

        return train_together(*arguments, on_update=count, **options)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train_together", cut)
        with pytest.raises(KeyboardInterrupt):
            followed(tmp_path, data)
    reader = event_accumulator.EventAccumulator(
        str(tmp_path / "tensorboard" / "PressEither-flow-seed0")
    )
    assert [point.step for point in reader.Reload().Scalars("training/loss")] == [5, 10]
    assert ("PressEither-bc-seed1" in curves(tmp_path)) == stacked
    followed(tmp_path, data)
    assert is_the_same(tmp_path)
    # A TensorBoard that was open meanwhile does not show them twice either.
    assert [point.step for point in reader.Reload().Scalars("training/loss")] == [5, 10, 12]


@pytest.mark.thorough
def test_files_that_cannot_be_written_do_not_stop_the_run(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(SMALL, policy=("bc",), seeds=1, updates=6)
    interrupts = Interrupts()
    options = RunOptions(times_decisions=False, draws=False, tensorboard=True)
    session = Session(Log(interrupts), interrupts)
    experiment = Experiment(config, tmp_path, demonstrations_folder.parent, session, options)
    tensorboard = tmp_path / "tensorboard"

    def demonstrations(task: str, found=experiment._demonstrations) -> object:
        for path in tensorboard.rglob("events*"):
            path.unlink()
        for path in tensorboard.iterdir():
            path.rmdir()
        tensorboard.rmdir()
        tensorboard.write_text("a file")
        return found(task)

    experiment._demonstrations = demonstrations  # type: ignore[method-assign]
    experiment.run()
    assert (tmp_path / "episodes.csv").exists()
    warnings = capsys.readouterr().err.splitlines()
    assert [line for line in warnings if "cannot be written, the run goes on" in line] == warnings
    assert len(warnings) == 1


def test_a_missing_package_is_one_line_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    out = tmp_path / "run"
    assert call(command.main, "--preset", "smoke", "--tensorboard", "--out", str(out)) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: --tensorboard needs the package tensorboard; install it")
    assert message.count("\n") == 1
    assert not out.exists()
