"""The second block of test seeds: `python -m fmbench.evaluate RUN --test-block 2`."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fmbench.config import ADDED, RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluate import main
from fmbench.figures import main as figures_main
from fmbench.harness.seeds import SECOND_TEST, TEST
from fmbench.matrix import main as matrix_main
from fmbench.report.blocks.draw import read_blocks
from fmbench.report.blocks.rows import OVERALL, BlockRow
from fmbench.report.outcomes import SummaryKey
from fmbench.report.results import read_results
from fmbench.run import main as run_main
from fmbench.runs import cell_store
from fmbench.storage.episode_files import Episodes, read_episodes, write_episodes
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow
from tests.fmbench.small_run import LASTING, SMALL, call, files_of
from tests.fmbench.storage.forger import forge_run
from tests.reseal import change_run

BLOCK = ("--test-block", "2")
DRAWN = ("test_blocks.csv", "test_blocks.md")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def both(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and its second block; copy it before changing anything in it."""
    root = tmp_path_factory.mktemp("blocks")
    words = (*LASTING, "--seeds", "2", "--no-latency", "--out", root / "run")
    assert call(run_main, *words, "--data", demonstrations_folder.parent) == 0
    before = files_of(root / "run")
    assert call(main, root / "run", *BLOCK) == 0
    assert files_of(root / "run") == before
    return root


@pytest.fixture
def copy(both: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(both, tmp_path / "both"))


def rejection(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must be rejected in one line; return the message."""
    capsys.readouterr()
    assert call(main, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err.removeprefix("error: ").strip()


def test_a_run_says_nothing_of_blocks_unless_it_is_of_the_second(both: Path) -> None:
    assert "test_block" not in RunConfig().to_json()
    assert RunConfig(test_block=2).to_json() == {**RunConfig().to_json(), "test_block": 2}
    assert RunConfig(test_block=2).cell_hash("flow") != RunConfig().cell_hash("flow")
    assert ADDED["test_block"] == 1
    facts = read_json(both / "run-test-block-2" / "run.json")
    assert facts["config"] == {**read_json(both / "run" / "run.json")["config"], "test_block": 2}
    assert facts["rescores"]["test_block"] == 2
    assert "test_block" not in (both / "run" / "run.json").read_text()


def test_every_cell_is_evaluated_from_the_same_weights_on_other_starts(both: Path) -> None:
    first, second = (read_episodes(both / name) for name in ("run", "run-test-block-2"))
    assert [row.cell for row in first.rows] == [row.cell for row in second.rows]
    for block, episodes in ((TEST, first), (SECOND_TEST, second)):
        seeds = {tuple(row.cell.values()): [] for row in episodes.rows}  # type: ignore[var-annotated]
        for row in episodes.rows:
            seeds[tuple(row.cell.values())].append(row.episode_seed)
        assert set(map(tuple, seeds.values())) == {tuple(range(block, block + 5))}
    for there, here in zip(first.origins, second.origins, strict=True):
        assert (there.weights_hash, there.task_hash) == (here.weights_hash, here.task_hash)
        assert (there.config_hash == here.config_hash) == (here.policy in ("expert", "random"))
    costs = read_rows(both / "run-test-block-2" / MeasurementRow.file_name, MeasurementRow)
    assert {row.latency_ms_p50 for row in costs} == {None}


def test_the_difference_is_that_of_the_rows(both: Path) -> None:
    rows = {
        SummaryKey(row.task, row.policy, row.sampler, row.steps): row
        for row in read_rows(both / "run-test-block-2" / BlockRow.file_name, BlockRow)
    }
    summaries: list[Any] = [
        read_results(both / name).summary for name in ("run", "run-test-block-2")
    ]
    compared = []
    for lines in zip(*(summary.itertuples() for summary in summaries), strict=True):
        line = lines[0]
        row = rows[SummaryKey(line.task, line.policy, line.sampler, line.steps)]
        assert [row.first, row.second] == pytest.approx([line.success_rate for line in lines])
        assert row.difference == pytest.approx(row.second - row.first)
        assert row.low is not None
        assert row.high is not None
        assert -1.2 < row.low < row.difference < row.high < 1.2
        compared += [row] if row.p_holm is not None else []
    assert {row.policy for row in compared} == {"flow", "bc"}
    overall = rows[OVERALL]
    assert list(rows)[-1] == OVERALL
    for name in ("first", "second", "difference"):
        mean = sum(getattr(row, name) for row in compared) / len(compared)
        assert getattr(overall, name) == pytest.approx(mean, rel=1e-5)


def test_it_is_shown_and_drawn_again_to_the_same_bytes(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy / "run-test-block-2"
    before = {name: (out / name).read_bytes() for name in DRAWN}
    assert call(main, copy / "run", *BLOCK) == 0
    shown = capsys.readouterr().out
    assert "Second block of test seeds" in shown
    assert "From the first block of test seeds to the second" in shown
    assert "on the second block of test seeds" in shown
    for name in DRAWN:
        (out / name).unlink()
    assert call(figures_main, out) == 0
    assert {name: (out / name).read_bytes() for name in DRAWN} == before
    assert "5 episodes of the second block of test seeds" in (out / "summary.md").read_text()
    shutil.rmtree(copy / "run")
    capsys.readouterr()
    assert call(figures_main, out) == 0
    assert "the run run is not beside" in capsys.readouterr().err


def test_a_stopped_evaluation_resumes_to_the_same_rows(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = cell_store.evaluate, []

    def stop_at_the_third(*arguments: object) -> Episodes:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cell_store, "evaluate", stop_at_the_third)
    parts = copy / "parts"
    assert call(main, copy / "run", *BLOCK, "--out", parts) == 130
    assert not (parts / "episodes.csv").exists()
    assert call(main, copy / "run", *BLOCK, "--out", parts) == 0
    for name in ("episodes.csv", "cells.csv", *DRAWN):
        assert (parts / name).read_bytes() == (copy / "run-test-block-2" / name).read_bytes()


def test_what_is_no_run_on_the_first_block_is_rejected(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = copy / "run", copy / "run-test-block-2"
    assert "holds re-scored rows and no policies; give the folder of the run 'run'" in rejection(
        capsys, out, *BLOCK
    )
    assert call(matrix_main, run, out, "--out", copy / "matrix") == 2
    assert "test_block is 1 in" in capsys.readouterr().err
    config = read_json(run / "run.json")["config"]
    change_run(run, config={**config, "test_block": 2})
    assert "is on the second block of test seeds already" in rejection(capsys, run, *BLOCK)
    change_run(run, config=config, complete=False)
    assert "has not finished; its own command resumes it" in rejection(capsys, run, *BLOCK)


def test_evaluations_of_other_checkpoints_are_not_compared(
    copy: Path, demonstrations_folder: Path
) -> None:
    run, out = copy / "run", copy / "run-test-block-2"
    words = (*SMALL, "--no-latency", "--out", copy / "other")
    assert call(run_main, *words, "--data", demonstrations_folder.parent) == 0
    for first in (copy / "other", out):
        with pytest.raises(FmbenchError, match=r"is no evaluation of .* on the second block"):
            read_blocks([(first, out)])
    episodes = read_episodes(out)
    episodes.origins[2:] = [
        replace(origin, weights_hash="0" * 16) for origin in episodes.origins[2:]
    ]
    write_episodes(out, episodes)
    forge_run(out)
    with pytest.raises(FmbenchError, match="have different checkpoints of PressEither flow"):
        read_blocks([(run, out)])


def test_rows_of_the_first_block_are_refused_in_the_second(copy: Path) -> None:
    out = copy / "run-test-block-2"
    first, second = read_episodes(copy / "run"), read_episodes(out)
    write_episodes(out, Episodes(first.rows, second.origins))
    forge_run(out)
    with pytest.raises(FmbenchError, match=f"episode_seed: {TEST} is not the next test episode"):
        read_results(out)
