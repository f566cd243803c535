"""Random damage of the files of a run: one line, or the original numbers; never a crash."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.registry import TASKS
from fmbench import figures
from fmbench.config import config_from_json
from fmbench.errors import FmbenchError
from fmbench.report.results import Results, read_results
from fmbench.run import main as run_main
from fmbench.runs.saved_run import open_saved_run
from fmbench.storage.cell_files import CELLS_FOLDER
from fmbench.storage.files import read_json
from fmbench.storage.finished import read_finished_rows
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts, write_run_facts
from tests.fmbench.runs.small_experiment import CONFIG, run, without_opengl
from tests.fmbench.small_run import SMALL, call, files_of
from tests.fmbench.storage.damaged_folder import DamagedFolder, check_line
from tests.fmbench.storage.damages import JSON_DAMAGES, VALUES, Damage, changes
from tests.fmbench.storage.forger import forge_cell, forge_run

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(0)]
EXAMPLES = int(os.environ.get("FMBENCH_FUZZ_EXAMPLES", "200"))
FEW = max(5, EXAMPLES // 10)
ROW_FILES = ["episodes.csv", "cells.csv", "measurements.csv", "training.csv", "diagnostics.csv"]
CELLS = [
    f"cells/PressEither-{name}.csv"
    for name in (
        *("expert", "random", "flow-euler2-seed0", "flow-euler2-seed0.measurement"),
        *("flow-euler2-seed0.diagnostic", "bc-direct1-seed0"),
    )
]
Changes = list[tuple[str, Damage]]


def numbers_of(results: Results) -> str:
    """Return all numbers of a run as text; only what a reader counts, not how it looks."""
    tables = [results.episodes, results.origins, results.training, results.diagnostics]
    tables += [results.comparisons, results.summary]
    choice = results.run.choice
    names = (sorted(choice.task or ()), sorted(choice.policy or ()))
    facts = (*names, choice.demos, choice.backbone, results.unfinished)
    return "\n".join([*(table.to_csv(index=False) for table in tables), repr(facts)])


def read_finished(folder: Path) -> str:
    rows = read_rows(folder / MeasurementRow.file_name, MeasurementRow)
    return f"{numbers_of(read_results(folder))}\n{rows}"


def read_saved(folder: Path) -> str:
    saved = open_saved_run(folder)
    rows = read_finished_rows(folder, saved.facts)
    return f"{saved.config}\n{saved.task_hashes}\n{rows}"


def read_unfinished(folder: Path) -> str:
    return numbers_of(read_results(folder))


@pytest.fixture(scope="module")
def good(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of seconds, with everything that a run can have; not to be changed."""
    out = tmp_path_factory.mktemp("fuzz") / "run"
    with pytest.MonkeyPatch.context() as patch:
        without_opengl(patch)
        run(replace(CONFIG, policy=("flow", "bc")), out, demonstrations_folder.parent)
    shutil.rmtree(out / "figures")
    return out


@pytest.fixture(scope="module")
def finished(good: Path, tmp_path_factory: pytest.TempPathFactory) -> DamagedFolder:
    """The run as it is published: without its cells."""
    folder = copy_of(good, tmp_path_factory.mktemp("finished"))
    shutil.rmtree(folder / CELLS_FOLDER)
    return DamagedFolder(folder, [RUN_FILE, *ROW_FILES], read_finished)


@pytest.fixture(scope="module")
def saved(good: Path, tmp_path_factory: pytest.TempPathFactory) -> DamagedFolder:
    """The run as another one reads it."""
    folder = copy_of(good, tmp_path_factory.mktemp("saved"))
    return DamagedFolder(folder, [RUN_FILE, *ROW_FILES], read_saved)


@pytest.fixture(scope="module")
def unfinished(good: Path, tmp_path_factory: pytest.TempPathFactory) -> DamagedFolder:
    """The run as a process leaves it that ends before the last step."""
    folder = copy_of(good, tmp_path_factory.mktemp("unfinished"))
    facts = replace(read_run_facts(folder), complete=False, seconds=None, sha256={})
    write_run_facts(folder, facts)
    for name in ROW_FILES:
        (folder / name).unlink()
    return DamagedFolder(folder, [RUN_FILE, *CELLS], read_unfinished)


def copy_of(good: Path, folder: Path) -> Path:
    return Path(shutil.copytree(good, folder / "run"))


def check_unforged(damaged: DamagedFolder, drawn: Changes) -> None:
    """Check that numbers are the original ones, or refused."""
    damaged.damage(drawn)
    numbers = damaged.outcome()
    assert numbers in (None, damaged.numbers)


@settings(max_examples=EXAMPLES)
@given(drawn=changes([RUN_FILE, *ROW_FILES]))
def test_a_damaged_finished_run_is_one_line_or_changes_no_number(
    finished: DamagedFolder, drawn: Changes
) -> None:
    check_unforged(finished, drawn)


@settings(max_examples=EXAMPLES)
@given(drawn=changes([RUN_FILE, *ROW_FILES]))
def test_a_damaged_run_is_opened_by_another_in_one_line_or_as_it_was(
    saved: DamagedFolder, drawn: Changes
) -> None:
    check_unforged(saved, drawn)


@settings(max_examples=EXAMPLES)
@given(drawn=changes([RUN_FILE, *CELLS]))
def test_a_damaged_cell_of_an_unfinished_run_is_one_line_or_changes_no_number(
    unfinished: DamagedFolder, drawn: Changes
) -> None:
    check_unforged(unfinished, drawn)


@settings(max_examples=EXAMPLES)
@given(drawn=changes([RUN_FILE, *ROW_FILES]))
def test_a_forged_finished_run_is_never_a_crash(finished: DamagedFolder, drawn: Changes) -> None:
    finished.damage(drawn)
    forge_run(finished.folder)
    finished.outcome()


@settings(max_examples=EXAMPLES)
@given(drawn=changes(CELLS))
def test_a_forged_cell_is_never_a_crash(unfinished: DamagedFolder, drawn: Changes) -> None:
    unfinished.damage(drawn)
    for name in {name for name, _ in drawn}:
        forge_cell(unfinished.folder / name)
    unfinished.outcome()


@settings(max_examples=FEW)
@given(drawn=changes([RUN_FILE, *ROW_FILES]), forged=st.booleans())
def test_figures_of_a_damaged_run_exits_with_one_line(
    finished: DamagedFolder, drawn: Changes, forged: bool
) -> None:
    finished.damage(drawn)
    if forged:
        forge_run(finished.folder)
    check_command(figures.main, finished.folder)


@settings(max_examples=FEW)
@given(drawn=changes([RUN_FILE, *CELLS]), forged=st.booleans())
def test_resuming_a_damaged_run_exits_with_one_line(
    unfinished: DamagedFolder, demonstrations_folder: Path, drawn: Changes, forged: bool
) -> None:
    before = files_of(unfinished.folder)
    unfinished.damage(drawn)
    if forged:
        for name in {name for name, _ in drawn} - {RUN_FILE}:
            forge_cell(unfinished.folder / name)
    with pytest.MonkeyPatch.context() as patch:
        without_opengl(patch)
        words = (*SMALL, "--policy", "flow", "bc", "--out", unfinished.folder, "--no-latency")
        check_command(run_main, *words, "--data", demonstrations_folder.parent)
    for name in set(files_of(unfinished.folder)) - set(before):
        (unfinished.folder / name).unlink()


def check_command(main: Callable[[Sequence[str]], int], *words: object) -> None:
    """Check that a command ends as it should, with one line if it does not succeed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = call(main, *words)
    assert code in (0, 2), err.getvalue()
    if code == 2:
        check_line(err.getvalue().splitlines()[-1])
    assert "Traceback" not in err.getvalue()


@settings(max_examples=EXAMPLES)
@given(drawn=st.lists(JSON_DAMAGES, min_size=1, max_size=3))
def test_a_damaged_configuration_is_one_line(saved: DamagedFolder, drawn: list[Damage]) -> None:
    values = read_json(saved.folder / RUN_FILE)["config"] if saved.restore() is None else {}
    data = json.dumps(values).encode()
    for damage in drawn:
        data = damage(data)
    path = saved.folder / "config.json"
    path.write_bytes(data)
    try:
        config = config_from_json(read_json(path), tuple(TASKS))
    except FmbenchError as error:
        check_line(str(error))
    else:
        assert config_from_json(config.to_json(), tuple(TASKS)) == config


@settings(max_examples=EXAMPLES)
@given(value=VALUES)
def test_any_json_is_read_as_facts_or_is_one_line(
    value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / RUN_FILE).write_bytes(json.dumps(value).encode())
    try:
        facts = read_run_facts(folder)
    except FmbenchError as error:
        check_line(str(error))
    else:
        assert RunFacts.from_json(facts.to_json(), folder / RUN_FILE) == facts
