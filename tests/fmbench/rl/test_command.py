"""`python -m fmbench.rl`: what it refuses, and the folder that it writes."""

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.report.results import read_results
from fmbench.rl.__main__ import main
from fmbench.rl.loading import load_agent
from fmbench.rl.recipes import ALGORITHMS
from fmbench.runs.reinforcement import RLOptions, run_rl
from fmbench.storage.locks import lock_inside, locked
from tests.fmbench.rl.small_training import REQUESTS, small_recipes
from tests.fmbench.runs.small_experiment import Log, figures_as_text
from tests.fmbench.small_run import ROOT, call, files_of

PPO, SAC = ("--algorithm", "ppo"), ("--algorithm", "sac_her")
REACH = ("--task", "ReachPose")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--algorithm", "sac", *REACH), "unknown algorithm 'sac'; did you mean sac_her? known: "),
        ((*PPO, "--task", "ReachPos"), "unknown task 'ReachPos'; did you mean ReachPose"),
        ((*PPO, "--task", "all"), "unknown task 'all'"),
        (PPO, "--task must be given"),
        (
            (*SAC, "--task", "PressEither"),
            "PressEither has no goal, from which sac_her learns; give --algorithm ppo, or a task "
            "with a goal: ReachPose, TurnDial,",
        ),
        ((*PPO, *REACH, "--steps", 0), "--steps is 0; give a whole number from 1"),
        ((*PPO, *REACH, "--steps", "1e6"), "--steps is '1e6'; give a whole number"),
        ((*PPO, *REACH, "--num-envs", 0), "--num-envs is 0; give a whole number from 1 to 1024"),
        ((*PPO, *REACH, "--train-seed", -1), "--train-seed is -1; give a whole number from 0"),
        ((*PPO, *REACH, "--steps", 7), "--steps is 7, less than one step of each of the 8"),
        ((*PPO, *REACH, "--steps", 1, "--num-envs", 1), "--steps is 1; ppo compares the steps"),
        ((*PPO, *REACH, "--from-demonstrations"), "which ppo does not have: it learns from"),
        ((*SAC, *REACH, "--from-demonstrations", 0), "--from-demonstrations is 0; give"),
        ((*SAC, *REACH, "--minutes", 0), "--minutes is 0; give a number above 0"),
        ((*SAC, *REACH, "--minutes", "nan"), "--minutes is nan; give a number above 0"),
        ((*PPO, *REACH, "--out", "a/../b"), "give a path without '..'"),
        ((*PPO, *REACH, "--device", "gpu"), "--device is 'gpu'; known: cpu, cuda, cuda:N"),
        ((*PPO, *REACH, "--nfe", 2), "unknown flag '--nfe'"),
    ],
)
def test_bad_input_is_one_line_and_no_work(
    words: tuple[object, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(main, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_every_hyperparameter_has_a_source_and_is_in_the_help_and_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(main, "--help") == 0
    text = capsys.readouterr().out
    _, _, page = (ROOT / "docs" / "rl.md").read_text().partition("<!-- recipes: begin -->\n")
    lines = page.partition("<!-- recipes: end -->")[0].splitlines()[2:]
    expected = []
    for algorithm, entry in ALGORITHMS.items():
        for name, (value, source) in entry.values.items():
            assert source, name
            assert f"{name} {value:g}" in text
            expected.append(f"| `{algorithm}`: {name} | {value:g} | {source} |")
    assert lines == expected


def run(
    name: str,
    out: Path,
    train_seed: int = 0,
    demos: int = 0,
    stop_in: str = "never",
    times_decisions: bool = True,
    limit_s: float = math.inf,
) -> str:
    interrupts = Interrupts()
    log = Log(interrupts, stop_in)
    request = dataclasses.replace(REQUESTS[name], train_seed=train_seed)
    options = RLOptions(
        2, demos, tensorboard=True, limit_s=limit_s, times_decisions=times_decisions
    )
    run_rl(request, out, out.parent / "data", Session(log, interrupts), options)
    return log.file.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    figures_as_text(monkeypatch)
    with small_recipes():
        yield


def test_an_agent_becomes_rows_of_a_run(small: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run("sac_her", out, demos=2, stop_in="training")
    assert not (out / "run.json").exists()
    text = run("sac_her", out, demos=2)
    assert "sb3-sac-her-demos training: done" in text
    results = read_results(out)
    rows = results.episodes
    agent = rows[rows["policy"] == "sb3-sac-her-demos"]
    assert agent["episode_seed"].tolist() == [3_000_000, 3_000_001]
    assert (agent["nfe"] == 1.0).all()
    assert (agent["error"] == "").all()
    assert set(rows["policy"]) == {"expert", "random", "sb3-sac-her-demos"}
    facts = json.loads((out / "run.json").read_bytes())
    assert facts["outside"]["environment"] == "fmbench/ReachPoseGoal-v1"
    assert facts["outside"]["library"].startswith("stable-baselines3 2.")
    assert facts["config"]["environment_steps"] == 200
    assert facts["config"]["demos"] == 2
    checkpoint = out / "checkpoints" / "ReachPose-sb3-sac-her-demos-seed0"
    manifest = json.loads((checkpoint / "manifest.json").read_bytes())
    assert facts["outside"]["weights 0"] == manifest["sha256"]["agent.safetensors"]
    made = facts["demonstrations"]["ReachPose"]
    assert made["sha256"] == manifest["origin"]["demonstrations"]
    assert (made["episodes"], made["attempted"]) == (2, None)  # no failures are claimed
    (cost,) = results.measurements.to_dict("records")
    assert cost["updates"] == load_agent(checkpoint)._n_updates > 0
    assert cost["latency_ms_p50"] > 0
    points = results.learning.to_dict("records")
    assert [point["environment_steps"] for point in points] == [40, 80, 120, 160, 200]
    assert {(p["task"], p["policy"], p["train_seed"]) for p in points} == {
        ("ReachPose", "sb3-sac-her-demos", 0)
    }
    assert (out / "figures" / "learning_curves.png").exists()
    assert not (out / "training.csv").exists()
    assert list((out / "tensorboard").rglob("events.out.tfevents.*"))
    notes = (out / "summary.md").read_text()
    assert "Its weights are the last ones, not averaged, and it acts without expl" in notes
    assert "is not known here" not in notes
    before = files_of(out / "checkpoints")
    assert "is complete" in run("sac_her", out, demos=2)
    assert files_of(out / "checkpoints") == before
    with pytest.raises(FmbenchError, match=r"was made with other settings .*demonstrations"):
        run("sac_her", out)


@pytest.mark.thorough
def test_seeds_are_added_one_by_one(small: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert "when --train-seed 0 is trained" in run("ppo", out, train_seed=1)
    assert not (out / "run.json").exists()
    run("ppo", out, train_seed=0, times_decisions=False)
    rows = read_results(out).episodes
    agent = rows[rows["policy"] == "sb3-ppo"]
    assert agent.groupby("train_seed").size().to_dict() == {0: 2, 1: 2}
    costs = read_results(out).measurements
    assert np.unique(costs["updates"]).tolist() == [5 * 2 * 3]  # rollouts, epochs, batches
    assert costs["latency_ms_p50"].isna().all()


def test_seeds_may_end_after_different_numbers_of_steps(small: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run("ppo", out)
    run("ppo", out, train_seed=1, limit_s=1e-9)
    more = dataclasses.replace(REQUESTS["ppo"], train_seed=2)
    with pytest.raises(FmbenchError, match=r"another run \(episodes: 2 there, 1 now\); give the"):
        run_rl(more, out, tmp_path / "data", Session(), RLOptions(episodes=1))
    assert len(list((out / "checkpoints").glob("[!.]*"))) == 2  # it is said before the training
    rows = read_results(out)
    last = rows.learning.groupby("train_seed")["environment_steps"].max()
    assert last.to_dict() == {0: 200, 1: 0}
    facts = json.loads((out / "run.json").read_bytes())["outside"]
    assert (facts["environment steps 0"], facts["environment steps 1"]) == (200, 0)
    assert "environment steps 0 200" in (out / "summary.md").read_text()


def test_seeds_that_end_together_are_evaluated_one_after_another(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, aside = tmp_path / "run", tmp_path / "aside"
    run("ppo", out, train_seed=1)
    other = out / "checkpoints" / "ReachPose-sb3-ppo-seed1"
    other.rename(aside)
    with ExitStack() as another_process:
        another_process.enter_context(locked(lock_inside(out), "a test", "a test"))

        def say(log: Log, text: str) -> None:
            log.console.print(text)
            if text.endswith("waiting until it has ended"):
                aside.rename(other)  # meanwhile the other seed has ended, too
                another_process.close()

        monkeypatch.setattr(Log, "say", say)
        assert "is in use by process" in run("ppo", out, train_seed=0)
    episodes = read_results(out).episodes
    assert set(episodes[episodes["policy"] == "sb3-ppo"]["train_seed"]) == {0, 1}


def test_a_folder_of_other_files_is_refused(small: None, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.tex").write_text("x")
    with pytest.raises(FmbenchError, match="is not empty and holds no run"):
        run("ppo", out)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_a_link_out_of_the_folder_is_refused_before_training(small: None, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    for folder in (out, elsewhere):
        folder.mkdir()
    (out / "checkpoints").symlink_to(elsewhere)
    with pytest.raises(FmbenchError, match="is a symbolic link out of the folder"):
        run("ppo", out)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("origin", [3, {"recipe": 3}])
def test_a_manifest_of_something_else_is_refused_in_a_line(
    small: None, origin: object, tmp_path: Path
) -> None:
    other = tmp_path / "run" / "checkpoints" / "ReachPose-sb3-ppo-seed5"
    other.mkdir(parents=True)
    (other / "manifest.json").write_text(json.dumps({"origin": origin}))
    with pytest.raises(FmbenchError, match=r"seed5 was made with other settings \(algorithm: null"):
        run("ppo", tmp_path / "run")


def test_a_folder_of_another_run_is_refused_before_training(small: None, tmp_path: Path) -> None:
    shutil.copy(ROOT / "results" / "reference" / "run.json", tmp_path)
    with pytest.raises(FmbenchError, match="holds another run than of ppo on ReachPose"):
        run("ppo", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_run_of_other_code_is_refused_before_training(small: None, tmp_path: Path) -> None:
    facts = json.loads((ROOT / "results" / "reference" / "run.json").read_text())
    facts["outside"], facts["config"]["task"] = {"algorithm": "ppo"}, ["ReachPose"]
    (tmp_path / "run.json").write_text(json.dumps(facts))
    with pytest.raises(FmbenchError, match="does not state the code that made it; use the"):
        run("ppo", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.thorough
def test_a_seed_of_another_training_is_refused(small: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run("ppo", out, train_seed=1)
    other = dataclasses.replace(REQUESTS["ppo"], train_seed=0, num_envs=1)
    with pytest.raises(FmbenchError, match="num_envs: 2 there, 1 now"):
        run_rl(other, out, tmp_path / "data", Session(), RLOptions(2))
    assert not (out / "checkpoints" / "ReachPose-sb3-ppo-seed0").exists()
