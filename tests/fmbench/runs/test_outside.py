"""A policy from outside of fmbench in a run folder: its rows, its facts, and its resumption."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from envs.registry import make_task
from fmbench import evaluate
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.evaluation.outside import OutsideCheckpoint, OutsidePolicy
from fmbench.report.__main__ import main as report_command
from fmbench.report.results import read_results
from fmbench.runs.outside import OutsideRun, outside_config
from tests.fmbench.runs.small_experiment import Log, comparable, figures_as_text
from tests.fmbench.small_run import call

TASK = make_task("PressEither")
WEIGHTS, DATA = "ab" * 32, "cd" * 32
OUTSIDE = "press-outside"


class Still:
    """Holds still: the same actions at every decision."""

    obs_horizon, exec_horizon = 2, 4

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        pass

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert observations.shape[1:] == (self.obs_horizon, TASK.obs_dim)
        actions = np.full((len(rows), self.exec_horizon, TASK.act_dim), self.value)
        return actions, np.full(len(rows), 3)


def still(*values: float) -> OutsidePolicy:
    checkpoints = [
        OutsideCheckpoint(lambda value=value: Still(value), WEIGHTS, 12, 34) for value in values
    ]
    return OutsidePolicy(
        OUTSIDE,
        "outside policy",
        "#332288",
        "PressEither",
        checkpoints,
        "none",
        steps=3,
        demos=4,
        demonstrations=DATA,
        settings={"exec_horizon": 4, "updates": 34},
        versions={"outsider": "1.2"},
        facts={"library": "outsider 1.2"},
    )


def run(
    policy: OutsidePolicy,
    out: Path,
    episodes: int = 3,
    stop_in: str = "never",
    draws: bool = True,
) -> str:
    interrupts = Interrupts()
    log = Log(interrupts, stop_in)
    config = outside_config(policy, episodes, "cpu")
    session = Session(log, interrupts)
    OutsideRun(policy, config, out, session, times_decisions=False, draws=draws).run()
    return log.file.getvalue()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("outside") / "run"
    with pytest.MonkeyPatch.context() as patch:
        figures_as_text(patch)
        run(still(0.0), out)
    return out


def test_its_rows_have_their_origin(outside: Path) -> None:
    results = read_results(outside)
    rows = results.episodes[results.episodes["policy"] == OUTSIDE]
    assert rows["episode_seed"].tolist() == [3_000_000, 3_000_001, 3_000_002]
    assert set(rows["nfe"]) == {3.0}
    (origin,) = results.origins[results.origins["policy"] == OUTSIDE].to_dict("records")
    assert (origin["weights_hash"], origin["demonstrations_hash"]) == (WEIGHTS[:16], DATA[:16])
    assert "outsider=1.2" in origin["versions"]
    (cost,) = results.measurements.to_dict("records")
    assert (cost["parameters"], cost["updates"]) == (12, 34)
    assert results.looks.label(OUTSIDE) == "outside policy"
    facts = json.loads((outside / "run.json").read_bytes())
    assert facts["outside"] == {"library": "outsider 1.2", "weights 0": WEIGHTS}
    assert facts["config"]["exec_horizon"] == 4
    assert "learning_rate" not in facts["config"]  # what is not known of it is not stated
    text = (outside / "summary.md").read_text()
    assert "outside policy" in text
    assert f"weights 0 {WEIGHTS[:12]}" in text


def test_references_are_those_of_every_run(outside: Path, lasting_run: Path) -> None:
    expert, other = (_references(folder) for folder in (outside, lasting_run))
    assert len(expert) == 6
    assert expert == {key: row for key, row in other.items() if key in expert}


def _references(folder: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    """Return the rows of expert and random actions, by policy and episode seed."""
    rows = read_results(folder).episodes.astype(object).where(lambda table: table.notna(), None)
    rows = rows[rows["policy"].isin(["expert", "random"])]
    keys = zip(rows["policy"], rows["episode_seed"], strict=True)
    return dict(zip(keys, rows.itertuples(index=False, name=None), strict=True))


def test_it_is_resumed_to_the_same_bytes(
    outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures_as_text(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(still(0.0), tmp_path, stop_in=f"{OUTSIDE}-direct3-seed0 episodes")
    assert "Resuming" in run(still(0.0), tmp_path)
    assert comparable(tmp_path) == comparable(outside)
    assert "is complete" in run(still(0.0), tmp_path)
    assert comparable(tmp_path) == comparable(outside)


def test_it_grows_by_seeds_and_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures_as_text(monkeypatch)
    run(still(0.0), tmp_path, episodes=2)
    assert "Extending" in run(still(0.0, 0.5), tmp_path, episodes=3)
    rows = read_results(tmp_path).episodes
    assert (rows[rows["policy"] == OUTSIDE].groupby("train_seed").size() == 3).all()


def test_another_policy_is_refused_in_its_folder(outside: Path) -> None:
    other = dataclasses.replace(still(0.0), facts={"library": "outsider 1.3"})
    with pytest.raises(FmbenchError, match=r"another run .*outsider 1\.2 there, outsider 1\.3"):
        run(other, outside)


def test_it_needs_a_name_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FmbenchError, match="'flow'; give it a name of its own"):
        run(dataclasses.replace(still(0.0), name="flow"), tmp_path)


def test_it_has_no_weights_to_be_scored_again(
    outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(evaluate.main, outside, "--sampler", "heun") == 2
    assert (
        "a policy from outside, which only the command that evaluated it" in capsys.readouterr().err
    )


@pytest.mark.thorough
def test_a_page_shows_it_beside_a_run(outside: Path, lasting_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    words = (lasting_run, outside, "--no-media", "--out", page)
    assert call(report_command, *words) == 0
    assert "outside policy" in page.read_text()
