"""The pieces of a run are what it does: all of them are planned, and none is left at its end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.evaluation.plan import plan_run
from fmbench.runs.expected import pieces_of_run
from fmbench.runs.experiment import Experiment
from fmbench.runs.run_options import RunOptions
from policies.catalogue import POLICIES
from tests.fmbench.runs.small_experiment import CONFIG, Log, quickly


@pytest.fixture(autouse=True)
def _quickly() -> Iterator[None]:
    with quickly():
        yield


def run(config: RunConfig, out: Path, data: Path) -> Log:
    log = Log(Interrupts())
    options = RunOptions("", times_decisions=False, draws=False)
    Experiment(config, out, data, Session(log, log.interrupts), options).run()
    return log


def test_more_evaluations_of_a_network_draw_no_more_pictures() -> None:
    def episodes(**values: object) -> float:
        config = replace(CONFIG, policy=("flow",), nfe=(1, 100), **values)  # type: ignore[arg-type]
        planned = pieces_of_run(config, plan_run(config), True, times_decisions=False, draws=False)
        seconds = {piece.name: piece.seconds for piece in planned}
        name = "PressEither-flow-euler{}-seed0 episodes"
        return seconds[name.format(100)] - seconds[name.format(1)]

    assert episodes() == pytest.approx(episodes(observation="features", encoder="random"))


def test_all_that_a_run_does_is_planned_and_done(
    demonstrations_folder: Path, tmp_path: Path
) -> None:
    data = demonstrations_folder.parent
    config = replace(
        CONFIG, policy=("reflow", "bc"), nfe=(1,), perturb=("mass=2",), delay=("0", "2")
    )
    plan = plan_run(config)
    planned = {
        piece.name: piece.seconds
        for piece in pieces_of_run(config, plan, True, times_decisions=False, draws=False)
    }
    assert all(seconds > 0 for seconds in planned.values())
    episodes = [name for name in planned if name.endswith(" episodes")]
    assert len(episodes) == plan.size(config)
    log = run(config, tmp_path, data)
    done = [piece.name for piece in log.outlook._done]
    assert len(done) == len(set(done))
    assert set(planned) - set(done) == {"PressEither demonstrations"}, "they were found"
    assert "PressEither flow seed 0 training" in done, "the teacher, which is no policy of the run"
    assert log.outlook.left() is None
    text = log.file.getvalue()
    (line,) = [line for line in text.splitlines() if line.startswith("PressEither-expert episodes")]
    assert "success 3/3; whole run: " in line
    again = run(config, tmp_path, data)
    assert (again.outlook._done, again.outlook.left()) == ([], None)
    assert str(again._successes) == str(log._successes), "those of an earlier process count"


@pytest.mark.thorough
def test_measured_delays_leave_nothing_at_the_end(
    demonstrations_folder: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, policy=("bc",), delay=("0", "measured"), latency_ms=50.0)
    assert run(config, tmp_path, demonstrations_folder.parent).outlook.left() is None


@pytest.mark.thorough
def test_every_policy_has_an_expected_duration() -> None:
    config = replace(CONFIG, policy=tuple(POLICIES), seeds=2)
    pieces = list(pieces_of_run(config, plan_run(config), True, times_decisions=True, draws=True))
    names = [piece.name for piece in pieces]
    assert len(names) == len(set(names))
    trainings = {piece.kind[1] for piece in pieces if piece.kind[0] == "training"}
    assert trainings == set(POLICIES)
