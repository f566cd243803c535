"""Caveats: several versions, episodes that ended by errors, and what is not claimed from them."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from fmbench.errors import FmbenchError
from fmbench.report.caveats import broken_cells, error_lines, version_lines
from fmbench.report.comparisons import compare_at_equal_nfe
from fmbench.report.curve.draw import draw_curve
from fmbench.report.draw import draw_all
from fmbench.report.markdown import summary_markdown
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.outcomes import SummaryKey, outcomes_of
from fmbench.report.results import read_results
from fmbench.report.summary import frame
from fmbench.report.terminal import print_summary
from fmbench.storage.episode_files import Episodes, read_episodes, write_episodes
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.rows import EpisodeRow, OriginRow
from tests.fmbench.fake_run import make_rows, origins_of, write_run

NAN = "the policy returned NaN or infinity"
Change = Callable[[EpisodeRow], EpisodeRow]


def failing(row: EpisodeRow, error: str = NAN, unstable: bool = False) -> EpisodeRow:
    return dataclasses.replace(
        row,
        success=False,
        success_any=False,
        success_end=False,
        time_to_success_s=None,
        error=error,
        sim_unstable=unstable,
    )


def flow_fails(row: EpisodeRow) -> EpisodeRow:
    return failing(row) if row.policy == "flow" else row


def lines(change: Change, **options: int) -> list[str]:
    made, _, _ = make_rows(tasks=("LiftCube",), **options)
    return error_lines(frame(map(change, made), EpisodeRow), str)


def origins(*made: tuple[str, str, str]) -> list[OriginRow]:
    """Return origins with each of some code hashes, commits and versions."""
    rows, _, _ = make_rows(episodes=1)
    pairs = zip(origins_of(rows), made, strict=False)
    return [
        dataclasses.replace(row, code_hash=code, commit=commit, versions=versions)
        for row, (code, commit, versions) in pairs
    ]


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ([("", "abc", "torch=2.13.0")] * 2, ""),
        ([("h1", "abc", "torch=2.13.0"), ("h1", "def", "torch=2.13.0")], ""),
        ([("", "abc", ""), ("h1", "abc", "")], ""),
        (
            [("", "abc", "torch=2.13.0"), ("", "def", "torch=2.13.0")],
            "made with 2 versions of the code: commits abc, def",
        ),
        (
            [
                ("h1", "abc", "torch=2.13.0 mujoco=4.0.0"),
                ("h1", "abc", "torch=2.14.0 mujoco=4.0.0"),
            ],
            "made with torch 2.13.0, 2.14.0",
        ),
        (
            [("h1", "abc", "torch=2.14.0"), ("h2", "def", "torch=2.13.0")],
            "made with 2 versions of the code: commits abc, def; torch 2.13.0, 2.14.0",
        ),
        (
            [("h1", "abc-dirty", ""), ("h2", "abc-dirty", "")],
            "made with 2 versions of the code: hashes h1, h2",
        ),
    ],
)
def test_only_what_differs_is_named(made: list[tuple[str, str, str]], line: str) -> None:
    assert version_lines(frame(origins(*made), OriginRow)) == ([line] if line else [])


def test_a_line_counts_the_episodes_of_a_policy_and_quotes_the_most_frequent_error() -> None:
    assert lines(lambda row: row) == []
    assert lines(flow_fails, episodes=5) == [
        f"broken: 20 of 20 episodes of flow on LiftCube ended by an error ({NAN})"
    ]

    def mostly(row: EpisodeRow) -> EpisodeRow:
        error = "rare" if row.episode_seed == 20_000 else "x" * 400
        return failing(row, error) if row.policy == "bc" else row

    assert lines(mostly, episodes=5) == [
        f"broken: 5 of 5 episodes of bc on LiftCube ended by an error (most often: {'x' * 99}…)"
    ]


def test_samplers_are_named_where_others_work() -> None:
    def some(row: EpisodeRow) -> EpisodeRow:
        return failing(row) if (row.sampler, row.steps) in (("ddim", 5), ("ddpm", 100)) else row

    assert lines(some, episodes=5) == [
        "broken: 10 of 10 episodes of diffusion (ddim 5, ddpm 100) on LiftCube ended by an error "
        f"({NAN})"
    ]


def test_an_unstable_simulation_has_its_own_line() -> None:
    def diverging(row: EpisodeRow) -> EpisodeRow:
        diverges = row.policy == "bc" and row.episode_seed < 20_002
        return failing(row, "", unstable=True) if diverges else row

    assert lines(diverging, episodes=5) == [
        "unstable: 2 of 5 episodes of bc on LiftCube ended because the simulation diverged"
    ]


def test_a_cell_is_broken_if_all_episodes_of_one_training_seed_are() -> None:
    def one_seed(row: EpisodeRow) -> EpisodeRow:
        if row.policy == "bc" and row.train_seed == 1:
            return failing(row, "" if row.episode_seed % 2 else NAN, unstable=True)
        return failing(row) if row.policy == "flow" and row.episode_seed != 20_004 else row

    made, _, _ = make_rows(tasks=("LiftCube",), train_seeds=(0, 1, 2), episodes=5)
    episodes = frame(map(one_seed, made), EpisodeRow)
    assert broken_cells(outcomes_of(episodes)) == {SummaryKey("LiftCube", "bc", "direct", 1)}


def make_run(folder: Path, change: Change, **config: object) -> Path:
    """Write a run on one task with some of its episodes changed."""
    write_run(folder, tasks=("LiftCube",), episodes=60)
    stored = read_episodes(folder)
    write_episodes(folder, Episodes(list(map(change, stored.rows)), stored.origins))
    facts = read_json(folder / "run.json")
    facts["config"] = {"backbone": "mlp", "demos": 10, **config}
    write_json_atomic(folder / "run.json", facts)
    return folder


def test_nothing_is_claimed_from_a_broken_cell(tmp_path: Path) -> None:
    results = read_results(make_run(tmp_path, flow_fails))
    pairs = results.comparisons[["policy_a", "policy_b"]].itertuples(index=False, name=None)
    assert list(pairs) == [("diffusion", "bc")]
    assert compare_at_equal_nfe(results.episodes).empty
    text = summary_markdown(results)
    warning = f"broken: 240 of 240 episodes of flow on LiftCube ended by an error ({NAN})"
    assert f"> **Warning.** {warning}\n" in text
    assert "| flow | euler 10 | 0/60 (broken) | – | 10 |" in text
    assert "- flow is not compared: every episode of a training seed ended by an error" in text
    assert "- (broken): every episode of a training seed" in text
    assert "diffusion ahead of bc" in text
    assert "**" not in text.replace("**Warning.**", ""), "no policy leads where one is left out"
    out = io.StringIO()
    print_summary(results, Console(file=out, width=100))
    shown = " ".join(out.getvalue().split())
    assert f"warning: {warning}" in shown
    assert "0/60 (broken) -" in shown
    assert "flow is not compared: " in shown


def test_a_broken_policy_stands_in_no_verdict_of_matrix_and_curve(tmp_path: Path) -> None:
    def expert_leads(row: EpisodeRow) -> EpisodeRow:
        if row.policy == "expert":
            return dataclasses.replace(row, success=True, success_any=True)
        return flow_fails(row)

    run = make_run(tmp_path / "run", expert_leads)
    warned: list[str] = []
    table, matrix, picture, _ = draw_matrix([run], tmp_path / "matrix", warned.append)
    text = matrix.read_text()
    warning = f"broken: 240 of 240 episodes of flow with mlp on LiftCube ended by an error ({NAN})"
    assert warned == [warning]
    assert f"> **Warning.** {warning}\n" in text
    assert "| flow, mlp | euler | 0.000 (broken) | 0.000 (broken) | 0.000 (broken) |" in text
    assert "- mlp: flow is not compared: " in text
    assert "flow at" not in text
    assert text.count("broken") > 4
    header, *rows = table.read_text().splitlines()
    assert header.endswith(",caveat")
    assert {row.split(",")[2] for row in rows if row.endswith(",broken")} == {"flow"}
    assert picture.read_bytes() != render_without_caveats(tmp_path)
    table, curve, _ = draw_curve([run], tmp_path / "curve", warned.append)
    assert warned[1:] == [warning.replace("with mlp", "with 10 demonstrations")]
    (row,) = [line for line in curve.read_text().splitlines() if line.startswith("| LiftCube")]
    assert "| 0.00 (broken) |" in row
    assert row.endswith("| diffusion > bc; expert > diffusion, bc |") or "flow" not in row
    assert table.read_text().splitlines()[0].endswith(",caveat")


def render_without_caveats(tmp_path: Path) -> bytes:
    run = make_run(tmp_path / "sound", lambda row: row)
    table, _, picture, _ = draw_matrix([run], tmp_path / "sound_matrix")
    assert not table.read_text().splitlines()[0].endswith("caveat")
    return picture.read_bytes()


def test_several_versions_are_named_by_every_output(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", lambda row: row)
    before = {path: path.read_bytes() for path in draw_all(run)}
    stored = read_episodes(run)
    later = dataclasses.replace(
        stored.origins[-1], commit="def5678", versions="torch=2.14.0 mujoco=4.0.0"
    )
    write_episodes(run, Episodes(stored.rows, [*stored.origins[:-1], later]))
    line = "made with 2 versions of the code: commits abc1234, def5678; torch 2.13.0, 2.14.0"
    warned: list[str] = []
    after = {path: path.read_bytes() for path in draw_all(run, warn=warned.append)}
    assert warned == [line]
    changed = {path.name for path, data in after.items() if data != before[path]}
    figures = {"success_rates.png", "training_curves.png", "success_vs_nfe.png"}
    figures.add("success_vs_time.png")
    assert changed == {"summary.md", *figures}
    text = (run / "summary.md").read_text()
    assert f"> **Warning.** {line}\n" in text
    assert "Commit: abc1234, def5678." in text
    assert "torch 2.13.0 and 2.14.0" in text
    out = io.StringIO()
    print_summary(read_results(run), Console(file=out, width=200))
    assert f"warning: {line}\n" in out.getvalue()


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two runs that may stand in one matrix."""
    return [make_run(tmp_path / name, lambda row: row, backbone=name) for name in ("mlp", "unet")]


def test_runs_of_several_commits_are_combined_and_the_table_says_so(
    two: list[Path], tmp_path: Path
) -> None:
    stored = read_episodes(two[1])
    made = [dataclasses.replace(row, commit="def5678") for row in stored.origins]
    write_episodes(two[1], Episodes(stored.rows, made))
    warned: list[str] = []
    _, text, *_ = draw_matrix(two, tmp_path / "out", warned.append)
    assert warned == ["made with 2 versions of the code: commits abc1234, def5678"]
    assert f"> **Warning.** {warned[0]}\n" in text.read_text()


def test_runs_on_several_versions_of_a_task_are_not_combined(
    two: list[Path], tmp_path: Path
) -> None:
    for run, value in zip(two, ("aaaa", "bbbb"), strict=True):
        facts = read_json(run / "run.json")
        write_json_atomic(run / "run.json", {**facts, "task_hashes": {"LiftCube": value}})
    with pytest.raises(FmbenchError, match=r"LiftCube has hash aaaa in .* and bbbb in .*; runs"):
        draw_matrix(two, tmp_path / "out")


def test_runs_without_a_policy_are_rejected(two: list[Path], tmp_path: Path) -> None:
    for run in two:
        stored = read_episodes(run)
        rows = [row for row in stored.rows if row.policy in ("expert", "random")]
        write_episodes(run, Episodes(rows, origins_of(rows)))
    with pytest.raises(FmbenchError, match="no policy was evaluated; give runs that have"):
        draw_matrix(two, tmp_path / "out")
