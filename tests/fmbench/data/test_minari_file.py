"""Stored data name their environment: Minari recovers it, and the actions replay in it."""

import json
from pathlib import Path

import gymnasium
import minari
import pytest
from minari.dataset.minari_dataset import parse_dataset_id

import fmbench
from envs.registry import task_id
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig, load_demonstrations
from tests.fmbench.small_run import finish, start

TASKS = ("PressEither", "ReachPose", "AdroitHammerPublished")
"""One without a goal, one with a goal, and one with the published observations only."""

REPLAY = """
import sys
import gymnasium
import minari
import numpy as np
for folder in sys.argv[1:]:
    data = minari.MinariDataset(folder)
    with data.recover_environment() as env:
        assert env.observation_space == data.observation_space
        assert env.action_space == data.action_space
        assert env.spec.id == "fmbench:" + data.id, env.spec.id
        for episode, facts in zip(data, data.storage.get_episode_metadata([0, 1]), strict=True):
            seen = [env.reset(seed=int(facts["seed"]))[0]]
            ends = []
            for action in episode.actions:
                observation, _, terminated, truncated, infos = env.step(action)
                seen.append(observation)
                ends.append((terminated, truncated))
            assert np.array_equal(seen, episode.observations)
            assert ends == [(False, False)] * (len(ends) - 1) + [(True, False)]
            assert infos["success"]
    gymnasium.make(env.spec.id).close()
    print(data.id, type(env.unwrapped).__name__)
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("data")
    return [make_demonstrations(DemonstrationConfig(task, 2), root)[0] / "data" for task in TASKS]


@pytest.mark.parametrize("first", ["", "import fmbench"])
def test_environments_are_recovered_and_replay(
    first: str, folders: list[Path], tmp_path: Path
) -> None:
    code, out, err = finish(start(tmp_path, "-c", first + REPLAY, *folders))
    assert code == 0, err
    assert out.splitlines() == [f"{task_id(task)} HandEnv" for task in TASKS]


def test_the_dataset_is_named_after_the_task_and_its_version(folders: list[Path]) -> None:
    data = minari.MinariDataset(folders[0])
    assert data.id == "fmbench/PressEither-v2"
    assert parse_dataset_id(data.id) == ("fmbench", "PressEither", 2)
    assert data.total_episodes == 2


def test_stored_data_name_no_internal_module(folders: list[Path]) -> None:
    facts = json.loads((folders[0] / "metadata.json").read_text())
    spec = json.loads(facts["env_spec"])
    assert spec["entry_point"] == "fmbench:make_env"
    assert "envs." not in json.dumps(facts)


def test_another_version_of_a_task_is_rejected() -> None:
    with pytest.raises(gymnasium.error.Error, match="PressEither"):
        fmbench.make_env("fmbench/PressEither-v1")


def test_a_recovered_environment_renders(folders: list[Path]) -> None:
    env = minari.MinariDataset(folders[0]).recover_environment(render_mode="rgb_array")
    assert env.render_mode == "rgb_array"
    env.close()


def test_folders_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = DemonstrationConfig("ReachPose", 1)
    folder, _ = make_demonstrations(config, Path("data"))
    assert not folder.is_absolute()
    assert len(load_demonstrations(folder, "ReachPose").lengths) == 1
