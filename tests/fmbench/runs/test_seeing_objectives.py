"""All objectives with what policies see: they train and act, and students see as their teachers."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmbench.config import FEATURES, PIXELS
from fmbench.sight import opening
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from fmbench.training.checkpoint_facts import POLICY_FILE
from fmbench.training.checkpoints import load_policy
from fmbench.training.tensor_files import read_tensors
from policies.catalogue import POLICIES
from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.runs.small_experiment import comparable, run
from tests.fmbench.runs.test_experiment import rejection

TRAINED = tuple(name for name, entry in POLICIES.items() if entry.trains)
LEARNER = replace(SEEING[PIXELS], policy=("reflow",))


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quickly_seeing():
        yield


@pytest.mark.thorough
def test_every_objective_learns_from_stored_features(seeing_runs: Path, tmp_path: Path) -> None:
    assert len(TRAINED) == len(POLICIES) - 1
    config = replace(SEEING[FEATURES], policy=TRAINED, episodes=2, updates=2)
    run(config, tmp_path / "run", seeing_runs / "data")
    rows = read_rows(tmp_path / "run" / "episodes.csv", EpisodeRow)
    assert {row.policy for row in rows} == {"expert", "random", *TRAINED}
    assert not [row.error for row in rows if row.error]


def test_an_objective_that_compares_states_is_refused(seeing_runs: Path, tmp_path: Path) -> None:
    config = replace(SEEING[FEATURES], policy=("knn", "flow"))
    message = rejection(config, tmp_path / "run", seeing_runs / "data")
    assert message.startswith("--observation is features, which knn cannot use: ")
    assert not (tmp_path / "run").exists()


@pytest.mark.thorough
def test_a_student_sees_with_the_encoder_of_its_teacher(seeing_runs: Path, tmp_path: Path) -> None:
    teachers, data = seeing_runs / PIXELS, seeing_runs / "data"
    learner = replace(LEARNER, from_run=str(teachers))
    run(learner, tmp_path / "whole", data)
    folders = [
        folder / "checkpoints" / f"PressEither-{name}-seed0"
        for folder, name in ((teachers, "flow"), (tmp_path / "whole", "reflow"))
    ]
    teacher, student = (load_policy(folder)[0] for folder in folders)
    window = torch.rand(3, teacher.config.obs_horizon, teacher.config.obs_dim)
    window[..., teacher.config.agent_dim :] *= 255
    with torch.no_grad():
        assert torch.equal(teacher.encode(window), student.encode(window))
    assert not all(
        torch.equal(a, b)
        for a, b in zip(teacher.network.parameters(), student.network.parameters(), strict=True)
    )
    trained = read_tensors(folders[1] / POLICY_FILE, student.state_dict())  # not only averages
    averaged = teacher.encoder.state_dict()
    assert all(torch.equal(trained[f"encoder.{name}"], averaged[name]) for name in averaged)
    with pytest.raises(KeyboardInterrupt):
        run(learner, tmp_path / "parts", data, "reflow training")
    assert "Resuming" in run(learner, tmp_path / "parts", data)
    assert comparable(tmp_path / "parts") == comparable(tmp_path / "whole")


def test_a_teacher_that_saw_otherwise_is_refused(
    seeing_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teachers, data = tmp_path / FEATURES, seeing_runs / "data"
    shutil.copytree(seeing_runs / FEATURES, teachers)
    same = replace(SEEING[FEATURES], policy=("reflow",), from_run=str(teachers))
    for other in (replace(same, image_size=40), replace(same, features=9)):
        message = rejection(other, tmp_path / "run", data)
        assert message.startswith(f"--from is {teachers}; it must match this run (")
    options = opening.encoder_options
    monkeypatch.setattr(opening, "encoder_options", lambda given: replace(options(given), seed=1))
    message = rejection(same, tmp_path / "run", data)
    assert message.startswith(f"--from is {teachers}; it must match this run (sight: rays main ")
    assert not (tmp_path / "run").exists()
