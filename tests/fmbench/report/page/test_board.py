"""Rows of the leaderboard: numbers of the summary, verdicts of the run, lines of the file."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from fmbench.report import page
from fmbench.report.comparisons import ComparisonRow
from fmbench.report.page.board import COLUMNS, as_values, board_rows
from fmbench.report.page.leaderboard import leaderboard
from fmbench.report.page.row_places import file_of_episodes, lines_of_cells, link
from fmbench.report.page.runs import NamedRun, read_runs
from fmbench.report.page.standings import HIGHEST, ORDER, standings
from fmbench.report.results import read_results
from fmbench.report.summary import frame
from fmbench.report.verdicts import AHEAD, BEHIND, EQUIVALENT, NON_INFERIOR, UNDECIDED
from fmbench.storage.compressed import SUFFIX, read_lines
from fmbench.storage.episode_files import compress_run
from tests.fmbench.fake_run import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NamedRun:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, tasks=["LiftCube", "fmbench/TurnDial-v0"], train_seeds=(0, 1), episodes=20)
    return read_runs([folder])[0]


def test_every_cell_has_a_row_with_the_numbers_of_the_summary(run: NamedRun) -> None:
    rows = board_rows([run], {"LiftCube": "easy", "TurnDial": "hard"})
    summary = run.results.summary
    assert sorted((r.task, r.policy, r.rate, r.nfe) for r in rows) == sorted(
        (r.task, r.policy, round(r.success_rate, 6), r.nfe) for r in summary.itertuples()
    )
    assert {(row.task, row.tier) for row in rows} == {
        ("LiftCube", "easy"),
        ("fmbench/TurnDial-v0", "hard"),
    }
    assert {row.seeds for row in rows if row.policy in ("expert", "random")} == {0}
    assert {row.seeds for row in rows if row.policy == "flow"} == {2}
    heads = [row for row in rows if row.headline]
    assert rows[: len(heads)] == heads
    for task in dict.fromkeys(row.task for row in heads):
        rates = [row.rate for row in heads if row.task == task]
        assert rates == sorted(rates, reverse=True)
    values = dict(zip(COLUMNS, as_values(rows[0]), strict=True))
    assert values["success_text"] == rows[0].success_text
    assert list(values)[: len(dataclasses.fields(rows[0]))] == list(vars(rows[0]))


def test_the_page_knows_compressed_files_by_their_name() -> None:
    template = Path(page.__file__).with_name("templates") / "leaderboard.js"
    assert f'run.file.endsWith("{SUFFIX}")' in template.read_text(encoding="utf-8")


@pytest.mark.parametrize("is_compressed", [False, True])
def test_lines_are_those_of_the_cell_in_its_file(is_compressed: bool, tmp_path: Path) -> None:
    write_run(tmp_path, tasks=["LiftCube"], train_seeds=(0, 1), episodes=15)
    if is_compressed:
        compress_run(tmp_path)
    results = read_results(tmp_path)
    file = file_of_episodes(tmp_path)
    assert file.name == ("episodes.csv.bz2" if is_compressed else "episodes.csv")
    lines = list(read_lines(file))
    cells = lines_of_cells(results)
    assert len(cells) == len(results.summary)
    for cell, text in cells.items():
        ranges = [tuple(map(int, part.split("-"))) for part in text.split(", ")]
        found = [line for first, last in ranges for line in lines[first - 1 : last]]
        start = ",".join(map(str, cell))
        assert [line for line in lines if line.startswith(f"{start},")] == found
        assert len(ranges) == (1 if cell.policy in ("expert", "random", "bc") else 2)


def test_links_lead_from_the_page_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a run#1" / "episodes.csv"
    assert link(file, tmp_path) == "a%20run%231/episodes.csv"
    assert link(file, tmp_path / "pages") == "../a%20run%231/episodes.csv"


def with_verdicts(run: NamedRun, *verdicts: tuple[str, str], bc: float = 0.4) -> dict[str, str]:
    """Return the standings where flow and diffusion, flow and bc, diffusion and bc compare so."""
    pairs = (("flow", "diffusion"), ("flow", "bc"), ("diffusion", "bc"))
    rows = [
        ComparisonRow("LiftCube", *pair, 1, 20, 1, 1, 0.1, 0, 0.2, "test", 0.5, 0.5, word, favours)
        for pair, (word, favours) in zip(pairs, verdicts, strict=True)
    ]
    summary = run.results.summary.copy()
    rates = {"flow": 0.5, "diffusion": 0.9, "bc": bc}
    summary["success_rate"] = summary["policy"].map(rates)
    results = dataclasses.replace(
        run.results, summary=summary, comparisons=frame(rows, ComparisonRow)
    )
    return {key.policy: stand.word for key, stand in standings(results).items()}


def test_a_verdict_is_said_of_the_row_against_the_best_one(run: NamedRun) -> None:
    first = with_verdicts(run, (BEHIND, "diffusion"), (AHEAD, "flow"), (AHEAD, "diffusion"))
    assert first == {"flow": BEHIND, "diffusion": AHEAD, "bc": BEHIND}
    second = with_verdicts(run, (EQUIVALENT, ""), (UNDECIDED, ""), (NON_INFERIOR, "bc"))
    assert second == {"flow": EQUIVALENT, "diffusion": HIGHEST, "bc": NON_INFERIOR}
    # That the best one is not worse says nothing about the other.
    third = with_verdicts(run, (NON_INFERIOR, "diffusion"), (UNDECIDED, ""), (UNDECIDED, ""))
    assert third == {"flow": UNDECIDED, "diffusion": HIGHEST, "bc": UNDECIDED}
    even = with_verdicts(run, (UNDECIDED, ""), (UNDECIDED, ""), (UNDECIDED, ""), bc=0.9)
    assert even == {"flow": UNDECIDED, "diffusion": HIGHEST, "bc": HIGHEST}
    assert {*first.values(), *second.values()} <= set(ORDER)


def test_nothing_is_compared_across_runs(run: NamedRun) -> None:
    one, two = board_rows([run], {}), board_rows([run, dataclasses.replace(run, name="b")], {})
    assert sorted(row.verdict for row in two) == sorted(row.verdict for row in one * 2)


def test_data_hold_no_number_that_json_lacks(run: NamedRun) -> None:
    rows = leaderboard([run], Path(), {}).data["rows"]
    assert len(rows) == len(run.results.summary)
    assert not [
        value for row in rows for value in row if isinstance(value, float) and pd.isna(value)
    ]
