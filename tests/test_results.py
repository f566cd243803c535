"""The committed results are small, readable and equal to what their rows give when redrawn."""

import shutil
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from fmbench.report import comparable
from fmbench.report.across_tasks.table import across_tasks_of_run
from fmbench.report.caveats import version_lines
from fmbench.report.curve import draw as curve
from fmbench.report.grid.draw import draw_grid
from fmbench.report.matrix import draw as matrix
from fmbench.report.observation import draw as observations
from fmbench.report.paper.draw import TEXT, draw_paper
from fmbench.report.results import read_results
from fmbench.report.summary import frame
from fmbench.report.tables import write_tables
from fmbench.report.tuning.text import search_markdown
from fmbench.runs.tuning.search_folder import read_trials
from fmbench.runs.tuning.space import search_space
from fmbench.storage.episode_files import ROW_FILES
from fmbench.storage.grid_folder import read_grid_facts
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import OriginRow
from fmbench.storage.run_facts import read_run_facts
from fmbench.storage.search import by_trial, read_search_facts
from policies.catalogue import BACKBONES
from tests.thorough import thoroughly

RESULTS = Path(__file__).parent.parent / "results"
RUNS = sorted(path.parent for path in RESULTS.rglob("run.json"))
TEXTS = {".csv", ".md", ".tex"}
TABLES = ("summary.csv", "summary.md", "across_tasks.csv")
SEARCHES = sorted(path.parent for path in RESULTS.rglob("search.json"))
BUDGETS = {"policy_matrix": None, "policy_matrix_rows": "rows"}
"""What the updates of a matrix are counted in; equal updates are not stated."""
MAX_BYTES, MAX_FILE_BYTES = 24 * 2**20, 15 * 2**20

TASKS = sorted({run.name.rpartition("-")[0] for run in RUNS if run.parent.name == "demonstrations"})
GRIDS = sorted(path.parent for path in RESULTS.rglob("grid.json"))
LARGE = "main"
SLOW = {LARGE, "hands", "perturb"}
"""Sections of the paper that take seconds to draw; CI's second part draws the whole."""
OF_GRIDS = {run for grid in GRIDS for run in RUNS if run.is_relative_to(grid)}
"""Runs that are shown by the tables of their section only."""
DRAWN = [
    run
    for run in RUNS
    if run not in OF_GRIDS
    and (run.parent.name != "demonstrations" or run.name.rpartition("-")[0] in TASKS[::3])
]
"""Runs that are redrawn here: of those over demonstrations, every third task."""

read = cache(read_results)
"""Read each folder once for all tests."""


def by_backbone(run: Path) -> tuple[int, str]:
    """Return the sort key of a run in the matrix, in the order of results/README.md."""
    return list(BACKBONES).index(run.name.rpartition("-")[2]), run.name


def test_results_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MAX_BYTES
    assert {path.name for path, size in sizes.items() if size > MAX_FILE_BYTES} == set()


def test_every_run_is_compressed() -> None:
    assert len(RUNS) > 60
    assert SEARCHES
    assert {path.parent for path in RESULTS.rglob("episodes.csv.bz2")} == set(RUNS)
    for row_type in ROW_FILES:
        assert not list(RESULTS.rglob(row_type.file_name))
    assert not list(RESULTS.rglob("*.xz"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.relative_to(RESULTS).as_posix())
def test_committed_run_records_its_provenance(run: Path) -> None:
    learnt_from_none = read_run_facts(run).choice.demos == 0  # reinforcement learning
    for row in read_rows(run / OriginRow.file_name, OriginRow):
        assert all((row.commit, row.task_hash, row.config_hash, row.device)), row.cell
        assert " mujoco=4" in row.versions
        assert row.train_seed < 0 or row.weights_hash, row.cell
        assert row.train_seed < 0 or learnt_from_none or row.demonstrations_hash, row.cell


@pytest.mark.parametrize(
    "run",
    [pytest.param(x, marks=() if x in DRAWN[::3] else pytest.mark.thorough) for x in DRAWN],
    ids=lambda run: run.relative_to(RESULTS).as_posix(),
)
def test_committed_tables_match_their_rows(run: Path, tmp_path: Path) -> None:
    results = read(run)
    drawn = write_tables(results, across_tasks_of_run(results), tmp_path)
    committed = [path for path in run.glob("*") if path.name in TABLES]
    assert sorted(path.name for path in drawn) == sorted(path.name for path in committed)
    for path in drawn:
        assert path.read_bytes() == (run / path.name).read_bytes()


def check_grid(grid: Path, out: Path, left_out: set[str]) -> None:
    """Check that the tables of a grid's sections are those that its rows give."""
    shutil.copytree(grid, out, ignore=lambda _, names: left_out & set(names))
    sections = [grid / section.name for section in read_grid_facts(grid).sections]
    kept = [folder for folder in sections if folder.is_dir() and folder.name not in left_out]
    paths = [path for folder in kept for path in folder.iterdir()]
    tables = {path.relative_to(grid) for path in paths if path.suffix in TEXTS}
    assert tables
    for name in tables:
        (out / name).unlink()
    draw_grid(out, warn=lambda line: None, formats=())
    for name in sorted(tables):
        assert (out / name).read_bytes() == (grid / name).read_bytes(), name


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.name)
def test_committed_grids_match_their_rows(grid: Path, tmp_path: Path) -> None:
    shown = {
        section.name
        for section in read_grid_facts(grid).sections
        if any(other.run.split("/")[0] in SLOW for other in section.shown.values())
    }
    check_grid(grid, tmp_path / "grid", left_out={*SLOW, *shown, TEXT})


def test_the_committed_paper_has_the_numbers_of_its_tables(tmp_path: Path) -> None:
    paper, out = RESULTS / "paper", tmp_path / "paper"
    read_by_it = ("*/*.csv", "*/headline.*", "*/*/run.json")
    for path in (paper / TEXT, *(path for name in read_by_it for path in paper.glob(name))):
        (out / path.relative_to(paper)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, out / path.relative_to(paper))
    drawn = draw_paper(out)
    assert [path.name for path in drawn] == ["paper.md", "paper.tex"]
    for path in drawn:
        assert path.read_bytes() == (paper / path.name).read_bytes()


@pytest.mark.thorough
def test_the_whole_committed_paper_matches_its_rows(tmp_path: Path) -> None:
    check_grid(RESULTS / "paper", tmp_path / "grid", left_out=set())


def test_tables_of_the_large_section_match_the_rows_of_one_task(tmp_path: Path) -> None:
    section, task = RESULTS / "paper" / LARGE, "PressEither"
    matrix.draw_matrix([section / task], tmp_path, formats=())
    for name in ("matrix.csv", "comparisons.csv"):
        drawn, committed = (
            pd.read_csv(folder / name, dtype=str, keep_default_na=False)
            for folder in (tmp_path, section)
        )
        assert len(drawn) > 40
        of_task = committed[committed["task"] == task].reset_index(drop=True)
        assert drawn.equals(of_task[drawn.columns])


def test_a_run_of_several_tasks_is_compared_over_them() -> None:
    several = [run for run in RUNS if len(read_run_facts(run).choice.task or ()) > 1]
    assert several
    for run in several:
        assert (run / "across_tasks.csv").is_file()
        assert (run / "figures" / "across_tasks.png").is_file() == (run / "figures").is_dir()


@pytest.mark.parametrize("folder", thoroughly(BUDGETS, always=["policy_matrix_rows"]))
def test_committed_matrix_matches_its_rows(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparable, "read_results", read)
    for name in ("render_matrix", "render_ways", "render_across_tasks"):
        monkeypatch.setattr(matrix, name, lambda *_: b"")
    runs = sorted((run for run in RUNS if run.parent.name == folder), key=by_backbone)
    assert {read_run_facts(run).config.get("budget") for run in runs} == {BUDGETS[folder]}
    matrix.draw_matrix(runs, tmp_path)
    for name in ("matrix.csv", "matrix.md", "across_tasks.csv"):
        assert (tmp_path / name).read_bytes() == (RESULTS / folder / name).read_bytes()


@pytest.mark.thorough
def test_policies_with_one_row_per_update_do_not_depend_on_the_budget() -> None:
    alone = {"flow", "diffusion", "bc", "gmm"}
    for run in sorted((RESULTS / "policy_matrix_rows").glob("*-mlp")):
        weights = [
            {
                (row.policy, row.train_seed): row.weights_hash
                for row in read(folder).origins.itertuples()
                if row.weights_hash
            }
            for folder in (run, RESULTS / "policy_matrix" / run.name)
        ]
        same = {key for key, digest in weights[0].items() if weights[1][key] == digest}
        assert {policy for policy, _ in same} - {"knn"} == alone
        assert len([key for key in same if key[0] in alone]) == 4 * len(alone)


@pytest.mark.parametrize("folder", SEARCHES, ids=lambda folder: folder.name)
def test_committed_search_matches_its_trials(folder: Path) -> None:
    facts = read_search_facts(folder)
    space = search_space(str(facts.choice.backbone), int(str(facts.config["updates"])))
    rows = read_trials(folder, facts, space)
    assert facts.complete
    assert len(by_trial(rows)) == facts.trials == 40
    assert search_markdown(rows, facts) == (folder / "trials.md").read_text(encoding="utf-8")


def test_committed_observations_match_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparable, "read_results", read)
    monkeypatch.setattr(observations, "render_observations", lambda *_: b"")
    runs = [run for run in RUNS if run.parent.name == "vision" and run.name != "yolo-hand"]
    observations.draw_observations(runs, tmp_path)
    for name in ("observations.csv", "observations.md"):
        assert (tmp_path / name).read_bytes() == (RESULTS / "vision" / name).read_bytes()


def test_committed_data_curve_matches_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparable, "read_results", read)
    curve.draw_curve([run for run in DRAWN if run.parent.name == "demonstrations"], tmp_path)
    runs = [run for run in RUNS if run.parent.name == "demonstrations"]
    origins = [row for run in runs for row in read_rows(run / OriginRow.file_name, OriginRow)]
    (caveat,) = (f"> **Warning.** {line}" for line in version_lines(frame(origins, OriginRow)))
    assert caveat in (RESULTS / "demonstrations" / "data_curve.md").read_text().splitlines()
    for name in ("data_curve.csv", "data_curve.md"):
        committed = (RESULTS / "demonstrations" / name).read_text(encoding="utf-8").splitlines()
        drawn = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        assert len(drawn) > len(TASKS) // 3
        differing = set(drawn) - set(committed)
        assert all(line.startswith("> **Warning.** made with ") for line in differing), differing
        assert len(differing) <= 1, "these runs were made with fewer versions than all of them"
