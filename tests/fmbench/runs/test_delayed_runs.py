"""Runs with delays: plain rows stay as they are, cells are done once, delays are measured once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.config import RunConfig
from fmbench.config.latency import delay_of
from fmbench.evaluate import main as evaluate_main
from fmbench.evaluation.plan import plan_run
from fmbench.report.results import read_results
from fmbench.run import main as run_main
from fmbench.runs import cell_store
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow
from tests.fmbench.small_run import SMALL, call

TIMED = ["latency_ms_p50", "latency_ms_p95", "training_time_s"]
WAYS = ("--delay", "0", "2", "8", "--execution", "hold", "ensemble", "bid", "rtc")

RUN = (*SMALL, "--policy", "flow", "bc", "--task", "ReachPose")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run without delays; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("plain") / "run"
    assert call(run_main, *RUN, "--out", out, "--data", data) == 0
    return out


@pytest.fixture(scope="module")
def delayed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with delays."""
    out = tmp_path_factory.mktemp("delayed") / "run"
    assert call(run_main, *RUN, *WAYS, "--out", out, "--data", data) == 0
    return out


def episodes(run: Path) -> list[EpisodeRow]:
    return read_rows(run / "episodes.csv", EpisodeRow)


def settings(rows: list[EpisodeRow], policy: str) -> list[tuple[str, int]]:
    return list(dict.fromkeys((r.execution, r.delay) for r in rows if r.policy == policy))


def test_plain_rows_are_those_of_a_run_without_delays(plain: Path, delayed: Path) -> None:
    assert [row for row in episodes(delayed) if row.is_plain] == episodes(plain)
    tables = [read_results(run).summary.drop(columns=TIMED) for run in (plain, delayed)]
    assert tables[0].equals(tables[1])


def test_every_policy_has_its_settings_and_the_impossible_is_said(
    delayed: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = episodes(delayed)
    assert settings(rows, "expert") == settings(rows, "random") == [("hold", 0)]
    every = [(e, d) for e in ("hold", "ensemble", "bid", "rtc") for d in (0, 2, 8)]
    assert settings(rows, "flow") == every
    assert settings(rows, "bc") == every[:6]
    assert len(read_rows(delayed / "cells.csv", OriginRow)) == 2 + 12 + 6
    capsys.readouterr()
    assert call(run_main, *RUN, *WAYS, "--out", delayed, "--data", data) == 0
    printed = capsys.readouterr().err
    assert "skipped --execution bid: bc, its chunks do not depend on noise" in printed
    assert "skipped --execution rtc: bc, its samples cannot be guided" in printed
    assert "is complete" in printed


def test_delays_matter_and_are_measured_in_the_rows(delayed: Path) -> None:
    rows = [row for row in episodes(delayed) if row.policy == "flow"]
    by_setting = {
        way: [row for row in rows if (row.execution, row.delay) == way]
        for way in settings(rows, "flow")
    }
    returns = {
        way: tuple((r.episode_return, r.action_smoothness, r.jerk) for r in rs)
        for way, rs in by_setting.items()
    }
    # With the longest delay nothing of a chunk that others reach is executed.
    alike = [("hold", 8), ("ensemble", 8), ("bid", 8)]
    assert len({returns.pop(way) for way in alike}) == 1
    # So few updates leave a network that hardly depends on its noisy chunk: rtc has no gradient.
    others = {returns[way] for way in returns if way[0] != "rtc"}
    assert len(others) == 6
    assert {row.nfe for row in by_setting["bid", 2]} == {16 * 2.0}
    for row in by_setting["rtc", 2]:  # the first decision of an episode is not guided
        assert row.nfe == pytest.approx(4.0 - 2.0 / row.decisions, rel=1e-5)
    for way, found in by_setting.items():
        assert all(row.jerk is not None for row in found)
        jumps = [row.boundary_jump for row in found if row.decisions > 2]
        assert jumps
        assert all((jump is None) == (way[1] == 8) for jump in jumps)


@pytest.mark.thorough
def test_a_finished_run_grows_by_delays(
    plain: Path, delayed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grown = Path(shutil.copytree(plain, tmp_path / "run"))
    capsys.readouterr()
    assert call(run_main, *RUN, *WAYS, "--out", grown, "--data", data) == 0
    assert "Extending" in capsys.readouterr().err
    assert (grown / "episodes.csv").read_bytes() == (delayed / "episodes.csv").read_bytes()


def test_an_evaluation_copies_plain_rows_and_adds_the_others(
    plain: Path, delayed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"
    assert call(evaluate_main, plain, *WAYS, "--out", out) == 0
    assert sorted(map(repr, episodes(out))) == sorted(map(repr, episodes(delayed)))
    made = sorted(path.stem for path in (out / "cells").glob("*.csv"))
    assert made
    assert all("delay" in name or "-0-" in name or name[-1].isalpha() for name in made)


class Clock:
    """Latencies in place of measured ones, by execution; counts how often one was asked for."""

    def __init__(self, **p95: float) -> None:
        self.p95, self.calls = p95, 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one, measure = Clock(hold=90.0, rtc=400.0), cell_store.measure

    def measured(cell, config, policy, checkpoint, times, sight):  # type: ignore[no-untyped-def]
        one.calls += 1
        row = measure(cell, config, policy, checkpoint, False, sight)
        p95 = one.p95[cell.execution] if times else None
        return replace(row, latency_ms_p50=p95, latency_ms_p95=p95)

    monkeypatch.setattr(cell_store, "measure", measured)
    return one


def test_a_measured_delay_is_that_of_the_first_seed_and_is_stored(
    data: Path, tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*RUN, "--policy", "flow", "--seeds", "2", "--delay", "5", "measured")
    words += ("--execution", "hold", "rtc", "--out", tmp_path / "run", "--data", data)
    assert call(run_main, *words) == 0
    rows = episodes(tmp_path / "run")
    # 90 ms are 2.25 periods of 40 ms; 400 ms are 10, which no previous chunk bridges.
    assert settings(rows, "flow") == [("hold", 0), ("hold", 5), ("hold", 3), ("rtc", 5)]
    assert "skipped ReachPose-flow-euler2-seed0-delay10-rtc: rtc takes a delay of at most 8" in (
        capsys.readouterr().err
    )
    assert "planned_cells" not in read_json(tmp_path / "run" / "run.json")
    first, calls = (tmp_path / "run" / "episodes.csv").read_bytes(), clock.calls
    clock.p95 = {"hold": 1.0, "rtc": 1.0}
    shutil.rmtree(tmp_path / "run" / "figures")
    for path in (tmp_path / "run" / "cells").glob("*delay*.csv"):
        path.unlink()
    assert call(run_main, *words) == 0
    assert (tmp_path / "run" / "episodes.csv").read_bytes() == first
    assert clock.calls == calls
    second = ("--test-block", "2", "--out", tmp_path / "second")
    assert call(evaluate_main, tmp_path / "run", *second) == 0
    assert settings(episodes(tmp_path / "second"), "flow") == settings(rows, "flow")
    # Episodes that the run lacks are timed anew: the delay is that of the latency beside them.
    more = ("--episodes", "4", "--out", tmp_path / "more")
    assert call(evaluate_main, tmp_path / "run", "--delay", "measured", *more) == 0
    assert settings(episodes(tmp_path / "more"), "flow") == [
        ("hold", 0), ("hold", 1), ("rtc", 1),
    ]  # fmt: skip
    costs = read_rows(tmp_path / "run" / "measurements.csv", MeasurementRow)
    assert [(row.train_seed, row.execution) for row in costs] == [
        (0, "hold"), (0, "rtc"), (1, "hold"),
    ]  # fmt: skip


def test_a_latency_may_be_that_of_another_machine(data: Path, tmp_path: Path) -> None:
    words = (*RUN, "--policy", "bc", "--no-latency", "--delay", "measured")
    run = ("--latency-ms", "361", "--out", tmp_path, "--data", data)
    assert call(run_main, *words, *run) == 0
    assert settings(episodes(tmp_path), "bc") == [("hold", 0), ("hold", 10)]
    decisions = {row.delay: row.decisions for row in episodes(tmp_path) if row.length >= 50}
    assert decisions[10] < decisions[0]  # a decision begins when the previous one has arrived
    other = (tmp_path, "--delay", "3")  # which does not follow from the run's latency
    assert call(evaluate_main, *other, "--out", tmp_path / "other") == 0
    assert settings(episodes(tmp_path / "other"), "bc") == [("hold", 0), ("hold", 3)]
    assert "latency_ms" not in read_json(tmp_path / "other" / "run.json")["config"]


@pytest.mark.parametrize(
    ("latency_ms", "steps"), [(0.1, 1), (40.0, 1), (40.0001, 2), (79.99, 2), (120.0, 3)]
)
def test_a_latency_is_rounded_up_to_control_steps(latency_ms: float, steps: int) -> None:
    assert delay_of(latency_ms, 0.04) == steps


def test_the_number_of_cells_is_known_where_no_delay_is_measured() -> None:
    config = RunConfig(policy=("flow", "bc"), delay=("0", "4"), execution=("hold", "bid"), seeds=3)
    assert plan_run(config).size(config) == 2 + 3 * (4 * (1 + 3) + 1 * (1 + 1))
    measured = replace(config, delay=("measured",))
    assert plan_run(measured).size(measured) is None
    assert plan_run(measured).most_cells(measured) == 2 + 3 * (4 * (1 + 2) + 1 * (1 + 1))


BAD = [
    (("--delay", "-1"), "--delay is -1; give whole numbers from 0 to 8 control steps"),
    (("--delay", "9"), "--delay is 9; give whole numbers from 0 to 8 control steps"),
    (("--delay", "1.5"), "--delay is 1.5; give whole numbers"),
    (("--delay", "2", "2"), "--delay is 2 2; give each name once"),
    (("--exec-horizon", "16", "--delay", "1"), "from 0 to 0 control steps (no more actions are"),
    (("--execution", "ttc"), "unknown execution 'ttc'; did you mean rtc? known: bid, "),
    (("--latency-ms", "30"), "--latency-ms is 30, but no delay follows from it; add --delay"),
    (("--delay", "measured", "--latency-ms", "0"), "--latency-ms is 0.0; give a number above 0"),
    (("--delay", "measured", "--latency-ms", "1e9"), "above 0 and below 60000"),
    (("--delay", "measured", "--no-latency"), "decisions are not timed here; give --latency-ms"),
    (("--policy", "bc", "--execution", "rtc"), "bc cannot act so: its samples cannot be guided"),
    (("--policy", "knn", "bc", "--execution", "bid"), "it can hold, ensemble"),
    (("--execution", "rtc_train"), "needs policies that have learnt to continue 1 action, --tr"),
    (("--execution", "rtc_train", "--delay", "8"), "in a new run with --train-delay 8\n"),
    (("--execution", "rtc_train", "--exec-horizon", "16"), "give a larger --pred-horizon"),
    (("--execution", "rtc_train", "--delay", "4", "--train-delay", "2"), "--train-delay 4 to 8"),
    (("--train-delay", "9"), "--train-delay is 9; give a whole number from 0 to 8"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_what_cannot_be_is_said_before_any_work(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(run_main, *RUN, *words, "--out", tmp_path / "run") == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert not out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--delay", "9"), "give whole numbers from 0 to 8"),
        (
            ("--execution", "rtc_train", "--delay", "2"),
            "in a new run with --train-delay 2 to 8",
        ),
        (("--sampler", "direct", "--execution", "bid"), "its chunks do not depend on noise"),
        (("--delay", "2", "--nfe", "2"), "--nfe belongs to --sampler; give both, or leave"),
        (("--delay", "0"), "has all of these rows; give another --delay or --execution"),
        (("--test-block", "2", "--latency-ms", "3"), "leave out --latency-ms"),
        ((), "--sampler must be given, or --delay, --execution, --perturb or --test-block 2"),
    ],
)
def test_what_an_evaluation_cannot_do_is_said(
    words: tuple[str, ...],
    message: str,
    plain: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(evaluate_main, plain, *words, "--out", tmp_path / "new") == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()
