"""Summaries, comparisons and their texts, checked on synthetic rows."""

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from fmbench.errors import FmbenchError
from fmbench.report.comparisons import compare
from fmbench.report.config_differences import config_differences
from fmbench.report.leaders import leaders
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.markdown import summary_markdown
from fmbench.report.over_seeds import difference_over_seeds, interval_over_seeds, seeds_of
from fmbench.report.results import read_results
from fmbench.report.row_texts import sampler_label
from fmbench.report.sentences import tally, verdict
from fmbench.report.statistics import holm, mcnemar_exact, paired_interval, wilson_interval
from fmbench.report.summary import frame, summarise
from fmbench.report.terminal import print_summary
from fmbench.storage.episode_files import Episodes, read_episodes, write_episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow
from tests.fmbench.fake_run import make_rows, origins_of, write_episode_rows, write_run

TWO = ("fmbench/LiftCube-v0", "fmbench/TwoCubes-v0")


def frames(
    change: Callable[[EpisodeRow], EpisodeRow | None] = lambda row: row, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    made, measured, _ = make_rows(**options)
    rows = [new for row in made if (new := change(row)) is not None]
    return frame(rows, EpisodeRow), frame(measured, MeasurementRow)


def origin_frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    made, measured, _ = make_rows()
    return frame(origins_of(made), OriginRow), frame(measured, MeasurementRow)


def cell(summary: pd.DataFrame, policy: str, sampler: str = "", task: str = TWO[0]) -> pd.Series:
    rows = summary[summary["headline"] | (summary["sampler"] == sampler)]
    return rows[(rows["policy"] == policy) & (rows["task"] == task)].iloc[0]


def test_one_training_seed_has_a_wilson_interval() -> None:
    episodes, measurements = frames()
    summary = summarise(episodes, measurements)
    row = cell(summary, "flow")
    assert (row.low, row.high) == wilson_interval(row.successes, row.episodes)
    assert (row.interval, row.episodes, row.train_seeds) == ("Wilson 95 %", 30, 1)
    assert (row.nfe, row.parameters, row.training_time_s) == (10, 1_234_567, 125)
    assert list(dict.fromkeys(summary["policy"])) == ["expert", "random", "flow", "diffusion", "bc"]
    assert np.isnan(cell(summary, "expert").latency_ms_p50)


def test_several_training_seeds_have_an_interval_over_seeds() -> None:
    episodes, measurements = frames(train_seeds=(0, 1, 4))
    row = cell(summarise(episodes, measurements), "bc")
    seeds = episodes[episodes["policy"] == "bc"].groupby("train_seed")["success"]
    means = seeds.mean()
    assert row.success_rate == pytest.approx(means.mean())
    bounds = interval_over_seeds(seeds_of(seeds.sum(), 30))
    assert (row.low, row.high) == pytest.approx((float(bounds.low), float(bounds.high)))
    assert not row.seeds_disagree
    assert row.seed_rates == " ".join(repr(float(mean)) for mean in means)
    assert (row.interval, row.train_seeds) == ("over seeds 95 %", 3)


def test_each_policy_has_one_headline() -> None:
    summary = summarise(*frames(tasks=TWO))
    assert (summary[summary["headline"]].groupby(["task", "policy"]).size() == 1).all()
    assert (cell(summary, "flow").sampler, cell(summary, "flow").steps) == ("euler", 10)


def test_without_measurements_the_most_steps_are_the_headline() -> None:
    episodes, _ = frames()
    summary = summarise(episodes, frame([], MeasurementRow))
    assert cell(summary, "diffusion").sampler == "ddpm"


def test_two_headlines_of_one_policy_are_rejected() -> None:
    episodes, measurements = frames()
    with pytest.raises(FmbenchError, match="two headline configurations of flow"):
        summarise(episodes, measurements.assign(headline=True))


def test_failed_episodes_count_and_are_shown() -> None:
    def broken(row: EpisodeRow) -> EpisodeRow:
        if row.policy == "bc" and row.episode_seed < 20_003:
            return dataclasses.replace(
                row, success=False, progress=float("nan"), sim_unstable=True, error="diverged"
            )
        return row

    episodes, measurements = frames(broken)
    row = cell(summarise(episodes, measurements), "bc")
    assert (row.episodes, row.unstable, row.errors) == (30, 3, 3)
    of_bc = episodes[episodes["policy"] == "bc"]
    assert row.progress == pytest.approx(of_bc["progress"].sum() / 30)


def test_modes_are_counted() -> None:
    row = cell(summarise(*frames(tasks=TWO)), "expert", task=TWO[1])
    counts = dict(part.split() for part in row.modes.split(" / "))
    assert sorted(counts) == ["left", "right"]
    assert sum(map(int, counts.values())) == 30


def test_comparison_is_mcnemar_on_common_episodes_with_holm() -> None:
    def cut(row: EpisodeRow) -> EpisodeRow | None:
        return None if row.policy == "bc" and row.episode_seed == 20_004 else row

    episodes, measurements = frames(cut)
    table = compare(episodes, measurements).set_index(["policy_a", "policy_b"])
    assert list(table.index) == [("flow", "diffusion"), ("flow", "bc"), ("diffusion", "bc")]
    row: Any = table.loc[("flow", "bc")]
    chosen = {"flow": ("euler", 10), "bc": ("direct", 1)}
    a, b = (
        episodes[
            (episodes["policy"] == policy)
            & (episodes["sampler"] == sampler)
            & (episodes["steps"] == steps)
            & (episodes["episode_seed"] != 20_004)
        ]["success"].to_numpy()
        for policy, (sampler, steps) in chosen.items()
    )
    assert (row.b, row.c, row.p) == mcnemar_exact(a, b)
    assert row.episodes == 29
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    assert (row.low, row.high) == paired_interval(both, int(row.b), int(row.c), neither)
    assert table["p_holm"].to_numpy() == pytest.approx(holm(table["p"].to_numpy()))
    assert (row.verdict, row.favours) == ("ahead", "flow")
    assert table.loc[("flow", "diffusion")].verdict in ("undecided", "non-inferior")
    shuffled = episodes.sample(frac=1, random_state=1)
    assert compare(shuffled, measurements).set_index(["policy_a", "policy_b"]).equals(table)


def test_training_seeds_are_never_pooled_in_a_comparison() -> None:
    episodes, measurements = frames(train_seeds=(0, 1, 2))
    table = compare(episodes, measurements)
    assert set(table["test"]) == {"interval over training seeds"}
    counts = episodes.groupby(["policy", "sampler", "steps", "train_seed"])["success"].sum()
    flow, bc = (
        seeds_of(counts.loc[cell], 30) for cell in (("flow", "euler", 10), ("bc", "direct", 1))
    )
    row = table[(table["policy_a"] == "flow") & (table["policy_b"] == "bc")].iloc[0]
    found = difference_over_seeds(flow, bc)
    assert (row.difference, row.low, row.high, row.p) == pytest.approx(tuple(found))
    assert table["b"].isna().all()
    assert (table["train_seeds"] == 3).all()


def test_policies_without_common_seeds_are_not_compared() -> None:
    def reseeded(row: EpisodeRow) -> EpisodeRow:
        return dataclasses.replace(row, train_seed=7) if row.policy == "bc" else row

    table = compare(*frames(reseeded)).set_index(["policy_a", "policy_b"])
    flow_and_bc: Any = table.loc[("flow", "bc")]
    assert flow_and_bc.verdict == "not comparable"
    assert table.loc[("flow", "diffusion")].p_holm == table.loc[("flow", "diffusion")].p


def test_a_leader_is_ahead_of_all_others() -> None:
    table = compare(*frames(episodes=60))
    assert leaders(table) == {}
    table.loc[0, ["verdict", "favours"]] = ["ahead", "flow"]
    assert leaders(table) == {TWO[0]: "flow"}
    assert leaders(table.iloc[:0]) == {}


def test_differing_configurations_are_reported() -> None:
    origins, measurements = origin_frames()
    assert config_differences(origins, measurements) == []
    measurements.loc[measurements["policy"] == "bc", "updates"] = 9_000
    origins.loc[origins["policy"] == "flow", "demonstrations_hash"] = "feed"
    assert config_differences(origins, measurements) == [
        f"{TWO[0]}: policies differ in demonstrations hash: flow feed; diffusion 0123456789ab; "
        "bc 0123456789ab",
        f"{TWO[0]}: policies differ in updates: flow 6,000; diffusion 6,000; bc 9,000",
    ]


def test_differing_network_is_reported_even_if_the_objective_requires_it() -> None:
    (episodes, _), (origins, measurements) = frames(), origin_frames()
    renamed = {"diffusion": "gmm", "bc": "knn"}
    episodes["policy"] = episodes["policy"].replace(renamed)
    origins["policy"] = origins["policy"].replace(renamed)
    measurements["policy"] = measurements["policy"].replace(renamed)
    measurements.loc[measurements["policy"] == "gmm", "parameters"] = 2_000_000
    measurements.loc[measurements["policy"] == "knn", "parameters"] = 0
    assert config_differences(origins, measurements) == [
        f"{TWO[0]}: policies differ in parameters: flow 1,234,567; gmm 2,000,000; knn 0"
    ]
    row = cell(summarise(episodes, measurements), "knn")
    assert (row.parameters, row.policy) == (0, "knn")


def test_markdown_has_results_and_provenance(tmp_path: Path) -> None:
    text = summary_markdown(read_results(write_run(tmp_path, tasks=TWO, episodes=60)))
    for part in ("## fmbench/LiftCube-v0", "| flow | euler 10 |", "last EMA", "Wilson 95 %"):
        assert part in text
    for part in ("n = 60", "20000 to 20059", "abc1234", "mujoco 4.0.0", "flow ahead of bc"):
        assert part in text
    assert re.search(r"- flow and diffusion undecided \(about \d+ training seeds would", text)
    for part in ("margin of ±5 points", "found with 80 % power", "Newcombe's", "NFE: network"):
        assert part in text.split("## Notes")[1]
    assert "over 1 training seed, 60 common episodes (" in text
    assert "SMOKE" not in text
    assert "incomplete" not in text.lower()
    assert (
        "**flow**" not in text.split("## fmbench/TwoCubes-v0")[0]
    )  # ahead of bc, but not of diffusion


def test_markdown_marks_smoke_and_incomplete_cells(tmp_path: Path) -> None:
    run = write_run(tmp_path, tasks=TWO, preset="smoke")
    rows = read_rows(run / EpisodeRow.file_name, EpisodeRow)
    first = next(row for row in rows if row.policy == "flow" and row.steps == 10)
    incomplete = [row for row in rows if row != first and (row.task, row.policy) != (TWO[1], "bc")]
    write_episode_rows(run, incomplete)
    text = summary_markdown(read_results(run))
    assert "SMOKE RUN" in text.splitlines()[2]
    assert "/29 (incomplete)" in text
    assert "| bc | – | no episodes (incomplete) |" in text
    assert "- (incomplete): a training seed lacks episodes" in text


def test_markdown_escapes_markup(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    stored, name = read_episodes(run), "a|<b>*c*"
    rows = [dataclasses.replace(row, task=name) for row in stored.rows]
    origins = [dataclasses.replace(row, task=name) for row in stored.origins]
    write_episodes(run, Episodes(rows, origins))
    assert "## a\\|&lt;b>\\*c\\*" in summary_markdown(read_results(run))


@pytest.mark.parametrize(
    ("width", "columns"), [(100, 8), (90, 7), (78, 6), (65, 5), (55, 4)], ids=str
)
def test_a_narrow_terminal_has_fewer_columns_and_no_cut_number(
    width: int, columns: int, tmp_path: Path
) -> None:
    out = io.StringIO()
    results = read_results(write_run(tmp_path, train_seeds=(0, 1)))
    print_summary(results, Console(file=out, width=width))
    table = out.getvalue().split("flow and")[0]
    assert max(map(len, table.splitlines())) <= width
    assert "…" not in table
    later = ("NFE", "latency [ms]", "parameters", "training")
    assert [name in table for name in later] == [place < columns - 4 for place in range(4)]
    assert "(2 seeds)" in table


def test_terminal_table_is_at_most_100_columns_wide(tmp_path: Path) -> None:
    out = io.StringIO()
    run = write_run(tmp_path, tasks=TWO, train_seeds=(0, 1), preset="smoke")
    print_summary(read_results(run), Console(file=out, width=100))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert "…" not in text
    policies = [x.split()[0] for x in text.split(TWO[1])[0].splitlines() if "1,234,567" in x]
    assert policies == ["flow", "diffusion", "bc"]
    assert text.index("expert") < text.index("random") < text.index("flow")
    assert "SMOKE" in text
    assert "(2 seeds)" in text
    assert "latency [ms]" in text, "rich parses a bare [ms] as markup"
    assert "flow and diffusion undecided" in text
    basis = "(level 0.05, Holm-adjusted; margin ±5 points; 2 training seeds)"
    assert basis in " ".join(text.split())


@pytest.mark.parametrize(
    ("sampler", "steps", "label"),
    [
        *(("euler", 10, "euler 10"), ("direct", 1, "direct"), ("two_step", 2, "two_step")),
        *(("", 0, "–"), ("rk45", 0, "rk45")),
    ],
)
def test_sampler_label_names_the_steps(sampler: str, steps: int, label: str) -> None:
    assert sampler_label(sampler, steps) == label


def solved(row: EpisodeRow, success: bool) -> EpisodeRow:
    time_s = 1.0 if success else None
    return dataclasses.replace(
        row, success=success, success_any=success, success_end=success, time_to_success_s=time_s
    )


def test_seeds_that_disagree_are_marked_in_words(tmp_path: Path) -> None:
    run = write_run(tmp_path, train_seeds=(0, 1, 2))
    rows = [
        solved(row, row.train_seed != 1) if row.policy == "bc" else row
        for row in read_rows(run / EpisodeRow.file_name, EpisodeRow)
    ]
    write_episode_rows(run, rows)
    results = read_results(run)
    row = cell(results.summary, "bc")
    assert row.seeds_disagree
    assert row.low < 0.05
    assert row.high > 0.95
    text, out = summary_markdown(results), io.StringIO()
    print_summary(results, Console(file=out, width=100))
    marked = [line for line in text.splitlines() if "0.667 (3 seeds) (seeds disagree)" in line]
    assert marked
    assert all(line.startswith("| bc |") for line in marked)
    compared = [line for line in text.splitlines() if ": success rate " in line]
    assert len(compared) == 3
    assert all(("(seeds disagree)" in line) is ("bc" in line) for line in compared)
    assert "bc: its training seeds disagree (1.00, 0.00, 1.00); the interval" in out.getvalue()
    assert "- (seeds disagree): the training seeds differ by more than 0.3 of the possible" in text
    assert max(map(len, out.getvalue().splitlines())) <= 100


def test_verdicts_are_counted_in_the_order_of_the_words() -> None:
    words = ["undecided", "behind", "equivalent", "ahead", "undecided", "non-inferior"]
    assert tally(words) == (
        "6 pairs: a policy ahead in 2, equivalent in 1, non-inferior in 1, undecided in 2"
    )
    assert tally(["not comparable"]) == "1 pair: no common episodes in 1"


def test_sentences_name_the_better_policy_first() -> None:
    episodes, measurements = frames(episodes=60)
    table = compare(episodes, measurements)
    flow_bc = table[(table["policy_a"] == "flow") & (table["policy_b"] == "bc")].iloc[0]
    changes: dict[str, dict[str, Any]] = {
        "flow ahead of bc": {},
        "bc ahead of flow (within the margin)": {
            "verdict": "behind", "favours": "bc", "within_margin": True
        },
        "flow and bc equivalent": {"verdict": "equivalent", "favours": ""},
        "flow ahead of bc (seeds disagree)": {"seeds_disagree": True},
        "bc non-inferior to flow": {"verdict": "non-inferior", "favours": "bc"},
        "flow and bc undecided (about 7 training seeds would decide)": {
            "verdict": "undecided", "favours": "", "seeds_to_decide": 7.0
        },
        "flow and bc undecided (more than 50 training seeds would decide)": {
            "verdict": "undecided", "favours": "", "seeds_to_decide": 51.0
        },
        "flow and bc undecided": {
            "verdict": "undecided", "favours": "", "seeds_to_decide": np.nan
        },
        "flow and bc have no common episodes and cannot be compared": {
            "verdict": "not comparable", "favours": ""
        },
    }  # fmt: skip
    for expected, change in changes.items():
        assert verdict(pd.Series({**flow_bc.to_dict(), **change}), OF_CATALOGUE) == expected
