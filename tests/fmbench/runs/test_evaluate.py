"""The command `python -m fmbench.evaluate`: other samplers on a run's checkpoints."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from fmbench.config import config_hash
from fmbench.evaluate import main
from fmbench.report.results import read_results
from fmbench.run import main as run_main
from fmbench.runs import cell_store
from fmbench.storage.episode_files import Episodes
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow, TrainingRow
from fmbench.training.checkpoints import EMA_FILE
from tests.fmbench.small_run import SMALL, call, files_of
from tests.reseal import change_run

TRAINED = ("flow", "diffusion", "bc", "knn")
HEUN = ("--sampler", "heun", "--nfe", "2", "4")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def finished(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of four policies and two seeds; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    words = (*SMALL, "--policy", *TRAINED, "--seeds", "2", "--out", out)
    assert call(run_main, *words, "--data", demonstrations_folder.parent) == 0
    return out


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def lines(path: Path, *words: str) -> list[str]:
    """Return the lines of a row file that contain all of `words`."""
    return [line for line in path.read_text().splitlines() if all(word in line for word in words)]


def rejection(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must be rejected in one line; return the message."""
    capsys.readouterr()
    assert call(main, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("sampler", "nfe", "policy"),
    [
        *(("euler", 2, "flow"), ("ddim", 2, "diffusion"), ("ddpm", 100, "diffusion")),
        ("nearest", 0, "knn"),
    ],
)
def test_the_runs_sampler_reproduces_its_rows(
    sampler: str, nfe: int, policy: str, finished: Path, tmp_path: Path
) -> None:
    words = ("--sampler", sampler, "--nfe", nfe, "--out", tmp_path / "again")
    assert call(main, finished, *words) == 0
    again, before = tmp_path / "again" / "episodes.csv", finished / "episodes.csv"
    cell = f",{policy},{sampler},{nfe or 1},"
    rescored = lines(again, cell)
    assert len(rescored) == 6
    assert rescored == lines(before, cell)
    for reference in (",expert,", ",random,"):
        assert lines(again, reference) == lines(before, reference)
    assert len(lines(again)) == 1 + 6 + 6
    trained = tmp_path / "again" / "training.csv"
    if policy == "knn":  # nothing was trained
        assert not trained.exists()
        return
    assert lines(trained, f",{policy},") == lines(finished / "training.csv", f",{policy},")
    assert {row.policy for row in read_rows(trained, TrainingRow)} == {policy}


def test_another_sampler_scores_all_seeds_in_a_new_folder(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(copy)
    assert call(main, copy, *HEUN) == 0
    assert files_of(copy) == before
    out = copy.parent / "run-heun-2-4"
    shown = capsys.readouterr().out
    assert "heun 2" in shown
    assert shown.endswith(f"Rows, tables and figures: {out}/\n")
    learned = [r for r in read_rows(out / "episodes.csv", EpisodeRow) if r.train_seed >= 0]
    assert [(r.policy, r.sampler, r.steps, r.train_seed, r.nfe) for r in learned[::3]] == [
        ("flow", "heun", steps, seed, 2.0 * steps) for seed in (0, 1) for steps in (2, 1)
    ]
    origins, run_origins = (
        [row for row in read_rows(run / "cells.csv", OriginRow) if row.policy == "flow"]
        for run in (out, copy)
    )
    assert len(origins) == 2 * 2
    for name in ("weights_hash", "demonstrations_hash"):
        assert {getattr(row, name) for row in origins} == {
            getattr(row, name) for row in run_origins
        }
    costs = read_rows(out / "measurements.csv", MeasurementRow)
    assert [(r.steps, r.headline) for r in costs] == [(2, True), (1, False)] * 2
    assert {r.updates for r in costs} == {6}
    facts = read_json(out / "run.json")
    assert facts["rescores"]["run"] == "run"
    config = read_json(copy / "run.json")["config"]
    assert facts["rescores"]["config_hash"] == config_hash(config)
    assert facts["complete"] is True
    assert facts["command"].startswith("python -m fmbench.evaluate ")
    assert (out / "summary.md").exists()
    assert list((out / "figures").glob("*.png"))
    first = files_of(out)
    assert call(main, copy, *HEUN) == 0
    assert files_of(out) == first


def test_impossible_numbers_are_skipped_and_listed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--sampler", "heun", "--nfe", "1", "2", "3", "4", "--grid", "late")
    assert call(main, copy, *words) == 0
    message = "skipped --nfe 1 3: heun takes 2 or more network evaluations, in multiples of 2\n"
    shown = capsys.readouterr()
    assert shown.err.count(message) == 1
    assert "heun:late 2" in shown.out
    out = copy.parent / "run-heun-late-1-2-3-4"
    learned = [r for r in read_rows(out / "episodes.csv", EpisodeRow) if r.train_seed >= 0]
    assert {(r.sampler, r.steps, r.nfe) for r in learned} == {
        ("heun:late", 1, 2.0),
        ("heun:late", 2, 4.0),
    }
    names = [path.name for path in (*out.rglob("*"), out)]
    assert not [name for name in names if set(name) & set('<>:"|?*')], "portable file names"


def test_a_tolerance_determines_the_evaluations(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(main, copy, "--sampler", "rk45") == 0
    assert call(main, copy, "--sampler", "rk45", "--rtol", "1e-3", "--atol", "1e-6") == 0
    mean_nfe = {}
    for sampler, folder in (("rk45", "run-rk45"), ("rk45:0.001,1e-6", "run-rk45-0.001,1e-6")):
        rows = read_rows(copy.parent / folder / "episodes.csv", EpisodeRow)
        learned = [r for r in rows if r.train_seed >= 0]
        assert {(r.policy, r.sampler, r.steps) for r in learned} == {("flow", sampler, 0)}
        summary = read_results(copy.parent / folder).summary
        row = next(summary[summary["policy"] == "flow"].itertuples())
        nfe = [r.nfe for r in learned]
        assert min(nfe) <= row.nfe_p5 <= row.nfe <= row.nfe_p95 <= max(nfe)
        mean_nfe[sampler] = row.nfe
        if row.nfe_p5 != row.nfe_p95:
            text = (copy.parent / folder / "summary.md").read_text()
            assert f"({row.nfe_p5:.0f}–{row.nfe_p95:.0f})" in text
    assert mean_nfe["rk45"] < mean_nfe["rk45:0.001,1e-6"]
    assert "rk45:0.001,1e-6" in capsys.readouterr().out


def test_samplers_with_one_number_need_no_nfe(finished: Path, tmp_path: Path) -> None:
    assert call(main, finished, "--sampler", "direct", "--out", tmp_path / "one") == 0
    rows = read_rows(tmp_path / "one" / "episodes.csv", EpisodeRow)
    assert {(r.steps, r.nfe) for r in rows if r.policy == "bc"} == {(1, 1.0)}


def test_the_first_test_episodes_are_the_same(finished: Path, tmp_path: Path) -> None:
    for episodes in (2, 4):
        out = tmp_path / str(episodes)
        words = ("--sampler", "euler", "--nfe", "2", "--episodes", episodes, "--out", out)
        assert call(main, finished, *words) == 0
        rows = read_rows(out / "episodes.csv", EpisodeRow)
        assert len(rows) == 4 * episodes
        run_rows = read_rows(finished / "episodes.csv", EpisodeRow)
        outcome = {(r.policy, r.train_seed, r.episode_seed): r.progress for r in rows}
        for row in run_rows:
            key = (row.policy, row.train_seed, row.episode_seed)
            if row.sampler in ("", "euler") and key in outcome:
                assert outcome[key] == row.progress


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sampler", "huen", "--nfe", "2"), "unknown sampler 'huen'; did you mean heun? known:"),
        (("--sampler", "heun", "--nfe", "1", "3"), "--nfe is 1 3; heun takes 2 or more network"),
        (
            ("--sampler", "heun"),
            "--nfe is missing; heun takes 2 or more network eval",
        ),
        (
            ("--sampler", "rk4", "--nfe", "6"),
            "--nfe is 6; rk4 takes 4 or more network evaluations, ",
        ),
        (("--sampler", "ddpm", "--nfe", "10"), "--nfe is 10; ddpm takes exactly 100 network"),
        (("--sampler", "ddim", "--nfe", "101"), "--nfe is 101; ddim takes 1 to 100 network"),
        (
            ("--sampler", "direct", "--nfe", "10"),
            "--nfe is 10; direct takes exactly 1 network eval",
        ),
        ((*HEUN[:3], "0"), "--nfe is 0; heun takes 2 or more network evaluations"),
        ((*HEUN, "--nfe", "-1"), "--nfe is -1; give a whole number from 0 to 1000"),
        (("--sampler", "nearest", "--nfe", "1"), "--nfe is 1; nearest takes exactly 0 network"),
        (
            ("--sampler", "rk45", "--nfe", "4"),
            "--nfe is 4; rk45 takes as many network evaluations",
        ),
        ((*HEUN, "--grid", "lat"), "unknown time grid of heun 'lat'; did you mean late? known:"),
        (("--sampler", "heun:lat", "--nfe", "2"), "unknown time grid of heun 'lat'; did you mean"),
        (
            (*HEUN[2:], "--sampler", "heun:late", "--grid", "early"),
            "--grid is early; --sampler heun:late sets 'late' already, give only one",
        ),
        (
            ("--sampler", "ddim", "--nfe", "2", "--grid", "late"),
            "--grid is late; ddim has no time grid, these have one: euler, midpoint, heun, rk4",
        ),
        ((*HEUN, "--rtol", "0.1"), "--rtol is 0.1; heun takes no tolerance, these take one: rk45"),
        (
            ("--sampler", "rk45", "--grid", "late"),
            "--grid is late; rk45 has no time grid, these have one: ",
        ),
        (
            ("--sampler", "rk45", "--rtol", "0"),
            "sampler is 'rk45:0.0,0.001'; rk45 takes two tolerances, rk45:RTOL,ATOL, each from",
        ),
        (
            ("--sampler", "rk45", "--atol", "nan"),
            "sampler is 'rk45:0.001,nan'; rk45 takes two tolerances, rk45:RTOL,ATOL, each from",
        ),
        (
            ("--sampler", "rk45:1e-3"),
            "sampler is 'rk45:1e-3'; rk45 takes two tolerances, rk45:RTOL,ATOL, each from 1e-10",
        ),
        ((*HEUN, "--nfe", "2", "2"), "--nfe is 2 2; give each number once"),
        ((*HEUN, "--episodes", "0"), "--episodes is 0; give"),
        ((*HEUN, "--device", "tpu"), "--device is 'tpu'; known: cpu, cuda, cuda:N"),
        ((*HEUN, "--out", "a/../b"), "--out is a/../b; give a path without '..'"),
        ((*HEUN, "--out", __file__), f"--out is {__file__}; give a folder ({__file__} is a file)"),
        (
            ("--nfe", "2"),
            "--sampler must be given, or --delay, --execution, --perturb or",
        ),
        (("--test-block", "0"), "--test-block is 0; give 2, the only block besides the run's own"),
        (("--test-block", "1"), "--test-block is 1; give 2, the only block besides the run's own"),
        (("--test-block", "3"), "--test-block is 3; give 2, the only block besides the run's own"),
        (("--test-block", "two"), "--test-block is 'two'; give a whole number"),
        (
            ("--test-block", "2", "--episodes", "9", *HEUN),
            "--test-block is 2, which evaluates the run as it is; leave out --sampler, --nfe, --ep",
        ),
    ],
)
def test_invalid_requests_are_rejected_before_any_work(
    words: tuple[str, ...], message: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rejection(capsys, copy, *words).startswith(message)
    assert [path.name for path in copy.parent.iterdir()] == ["run"]


def test_samplers_that_no_policy_takes_are_rejected_with_the_valid_ones(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_json(copy / "run.json")["config"]
    change_run(copy, config={**config, "policy": ["bc", "diffusion"]})
    message = rejection(capsys, copy, *HEUN)
    assert message.startswith(
        f"--sampler is heun, which no policy of {copy} takes; known: bc: direct; diffusion: ddpm"
    )


def test_folders_without_a_finished_run_are_rejected(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none"
    message = rejection(capsys, none, *HEUN)
    assert message == f"{none} does not exist; give the folder of a finished run"
    (tmp_path / "elsewhere").symlink_to("/")
    message = rejection(capsys, tmp_path, *HEUN)
    assert message.endswith("run.json does not exist; give the folder of a finished run")
    before = files_of(copy)
    assert "was not written by fmbench.evaluate; give another --out" in rejection(
        capsys, copy, *HEUN, "--out", copy
    )
    assert files_of(copy) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    message = rejection(capsys, copy, *HEUN, "--out", tmp_path / "mine")
    assert "is not empty and holds no run; give another --out" in message


def test_rescored_folders_are_rejected_as_runs(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy.parent / "scored"
    assert call(main, copy, "--sampler", "direct", "--nfe", "1", "--out", out) == 0
    assert "holds re-scored rows and no policies; give the folder of the run 'run' itself" in (
        rejection(capsys, out, *HEUN)
    )
    assert rejection(capsys, copy, *HEUN, "--out", out).startswith(
        f"{out} holds another run (nfe: "
    )
    words = (*SMALL, "--policy", *TRAINED, "--seeds", "2", "--out", out)
    assert call(run_main, *words, "--data", copy.parent / "data") == 2
    assert "was not written by fmbench.run; give another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task_hashes": {"PressEither": "0" * 64}}, "made with another version of PressEither"),
        ({"task_hashes": None}, "made with another version of PressEither"),
        ({"complete": False}, "has not finished; its own command resumes it"),
        (
            {"config": None},
            "run.json: config is not that of a run; its values must be policy, task, preset",
        ),
    ],
)
def test_changed_tasks_and_unfinished_runs_are_rejected(
    change: dict[str, Any], message: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_run(copy, **change)
    assert message in rejection(capsys, copy, *HEUN)


def test_damaged_checkpoints_are_rejected(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copy / "checkpoints" / "PressEither-flow-seed1"
    good = (folder / EMA_FILE).read_bytes()
    (folder / EMA_FILE).write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    assert "sha256 differs" in rejection(capsys, copy, *HEUN)
    shutil.rmtree(folder)
    message = rejection(capsys, copy, *HEUN)
    assert message == f"{folder} does not exist; give a run that still has its checkpoints"
    shutil.copytree(copy / "checkpoints" / "PressEither-flow-seed0", folder)
    assert f"{folder} is not flow with seed 1 on" in rejection(capsys, copy, *HEUN)
    assert [path.name for path in copy.parent.iterdir()] == ["run"]


def test_a_stopped_rescoring_resumes_to_the_same_rows(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(main, copy, *HEUN, "--out", copy.parent / "whole") == 0
    real, calls = cell_store.evaluate, []

    def stop_at_the_third(*arguments: object) -> Episodes:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cell_store, "evaluate", stop_at_the_third)
    parts = copy.parent / "parts"
    assert call(main, copy, *HEUN, "--out", parts) == 130
    assert "the same command resumes" in capsys.readouterr().err
    assert not (parts / "episodes.csv").exists()
    assert call(main, copy, *HEUN, "--out", parts) == 0
    assert len(calls) == 5, "two of the four cells were stored already"
    for name in ("episodes.csv", "cells.csv"):
        assert (parts / name).read_bytes() == (copy.parent / "whole" / name).read_bytes()
