"""Trainings of the paper's anchors by LeRobot's own command, with batches that are cut from memory.

LeRobot is in environments of its own, see `.ci/extras`.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from fmbench import export as export_command
from fmbench.errors import FmbenchError
from fmbench.report.results import read_results
from fmbench.runs.of_lerobot import lerobot_policy
from tests.benchmarks.anchors import our_network, recipes
from tests.benchmarks.anchors import train as trainings
from tests.fmbench.lerobot.lerobot_import import import_torchvision
from tests.fmbench.small_run import call

pytest.importorskip("lerobot")
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(version("lerobot") < "0.6", reason="the sections need LeRobot 0.6"),
]

NAME = "PressEither"
LAST = Path("checkpoints", "last")


@pytest.mark.parametrize("policy", recipes.POLICIES)
def test_it_trains_by_number_or_by_time_and_once(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    import_torchvision()
    data, out = tmp_path / "data", tmp_path / "sets" / NAME
    words = ("--format", "lerobot", "--task", NAME, "--episodes", "4", "--data", data, "--out", out)
    assert call(export_command.main, *words) == 0
    anchor = recipes.Anchor("anchors", NAME, policy, 1)
    where = anchor, out.parent, tmp_path, "cpu", 2
    line = trainings.train(*where, None)
    assert ": 2 updates in " in line
    assert "found" in trainings.train(*where, None)
    assert updates_of(tmp_path / anchor.name) == 2
    config = tmp_path / anchor.name / LAST / "pretrained_model" / "train_config.json"
    assert json.loads(config.read_text())["seed"] == 1
    timed = recipes.Anchor("anchors", NAME, policy, 0)
    monkeypatch.setattr(trainings, "FIRST", 2)
    monkeypatch.setattr(trainings, "TOLERANCE", 0.5)  # other processes use the processor, too
    done = trainings.train(timed, *where[1:], 5 * max(0.1, float(line.split()[-2])))
    assert f": {updates_of(tmp_path / timed.name)} updates in " in done
    assert sorted(f.name for f in tmp_path.glob("anchors*")) == [timed.name, anchor.name]


def test_rows_of_our_network_state_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    import_torchvision()
    data, out = tmp_path / "data", tmp_path / "sets" / NAME
    words = ("--format", "lerobot", "--task", NAME, "--episodes", "4", "--data", data, "--out", out)
    assert call(export_command.main, *words) == 0
    anchor = recipes.Anchor("anchors-why", NAME, recipes.WITH_OUR_NETWORK[0], 0)
    trainings.train(anchor, out.parent, tmp_path, "cpu", 2, None)
    checkpoint, run = tmp_path / anchor.name / LAST / "pretrained_model", tmp_path / "run"
    words = ("--lerobot", checkpoint, "--task", NAME, "--name", anchor.policy, "--out", run)
    own = [str(word) for word in (*words, "--episodes", 1, "--no-latency")]
    monkeypatch.setattr(sys, "argv", [our_network.__file__, *own])
    assert our_network.main() == 0
    facts = read_results(run).run
    assert facts.config["backbone"] == our_network.BACKBONE
    assert facts.command.startswith(our_network.OWN)
    with pytest.raises(FmbenchError, match="cannot load"):  # it is no network of LeRobot's
        lerobot_policy([checkpoint], NAME)


def updates_of(folder: Path) -> int:
    """Return how many updates a training has made, as LeRobot says."""
    state = folder / LAST / "training_state" / "training_step.json"
    return int(json.loads(state.read_text())["step"])
