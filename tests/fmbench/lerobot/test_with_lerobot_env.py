"""LeRobot's own evaluation of a policy on our tasks: the successes are those of the harness.

LeRobot is in environments of its own, see `.ci/extras`.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs import registry
from envs.registry import make_task
from envs.world import World
from fmbench import export as export_command
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST
from policies.threads import one_thread
from tests.fmbench.lerobot.test_with_lerobot import NEWER, data_set, import_torchvision
from tests.fmbench.lerobot.test_with_lerobot import policy_features as features_of
from tests.fmbench.small_run import call

pytest.importorskip("lerobot")
pytestmark = pytest.mark.thorough
NAME, DEMOS, UPDATES = "ReachPose", 200, 200
ROWS = 16
"""Rows of every inference in the harness: `fmbench.lerobot_policy.chunked.CPU_ROWS`."""
EPISODES = 20
PLUGIN = ("--env.type=fmbench", "--env.discover_packages_path=fmbench.lerobot_env")


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        import_torchvision()
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of states."""
    folder = tmp_path_factory.mktemp("states")
    words = ("--task", NAME, "--episodes", DEMOS, "--data", folder, "--out", folder / "set")
    assert call(export_command.main, "--format", "lerobot", *words) == 0
    return folder / "set"


@pytest.fixture(scope="module")
def seen(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with two cameras."""
    out, data = tmp_path_factory.mktemp("seen") / "set", demonstrations_folder.parent
    words = ("--task", "PressEither", "--episodes", "4", "--data", data, "--out", out)
    sight = ("--cameras", "main", "right-front", "--image-size", "48", "--renderer", "rays")
    assert call(export_command.main, "--format", "lerobot", *words, *sight) == 0
    return out


@pytest.fixture(scope="module")
def checkpoint(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.fmbench.lerobot.small_training import train_act

    with one_thread():
        return train_act(root, tmp_path_factory.mktemp("act"), UPDATES)


def evaluate(*words: str) -> None:
    """Call `lerobot-eval` in this process, on the CPU."""
    from lerobot.scripts.lerobot_eval import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["lerobot-eval", "--policy.device=cpu", *PLUGIN, *words])
        main()


def test_the_successes_are_those_of_the_harness(checkpoint: Path, tmp_path: Path) -> None:
    from fmbench.runs.of_lerobot import lerobot_policy

    with one_thread():
        evaluate(
            *(f"--policy.path={checkpoint}", f"--env.task={NAME}", f"--seed={TEST}"),
            *(f"--eval.n_episodes={EPISODES}", f"--eval.batch_size={ROWS}"),
            *("--env.film_size=32", f"--output_dir={tmp_path}"),
        )
    found = json.loads((tmp_path / "eval_info.json").read_bytes())
    (of_task,) = found["per_task"]
    (policy,) = lerobot_policy([checkpoint], NAME).checkpoints
    seeds = np.arange(TEST, TEST + EPISODES)
    episodes = rollout(World(make_task(NAME), ROWS, 1), policy.make(), seeds)
    assert of_task["metrics"]["successes"] == [episode.success for episode in episodes]
    assert 3 <= sum(episode.success for episode in episodes) <= EPISODES - 3
    succeeded = np.mean([episode.success for episode in episodes])
    assert found["overall"]["pc_success"] == pytest.approx(100 * succeeded)
    # LeRobot counts one more reward, that of the first step of the episode that follows
    more = np.array(of_task["metrics"]["sum_rewards"]) - [e.episode_return for e in episodes]
    assert ((more > -1e-9) & (more < 1)).all()
    assert len(list((tmp_path / "videos" / "fmbench_0").glob("*.mp4"))) == 10


def configured(folder: Path | str, **values: Any) -> Any:
    from fmbench.lerobot_env import FmbenchEnv

    return FmbenchEnv(**{"dataset": str(folder), **values})


def made(config: Any, n_envs: int) -> Any:
    from lerobot.envs.factory import make_env

    return make_env(config, n_envs=n_envs, use_async_envs=NEWER)["fmbench"][0]


def test_the_features_are_those_of_the_data_set(seen: Path) -> None:
    from lerobot.envs.utils import env_to_policy_features

    config = configured(seen)
    assert env_to_policy_features(config) == {
        name: feature
        for name, feature in features_of(data_set(seen).meta.features).items()
        if not name.startswith("info.")
    }
    assert (config.task, config.fps, config.image_size) == ("PressEither", 25, 48)
    assert (config.cameras, config.renderer) == (["main", "right-front"], "rays")
    assert configured(seen, cameras=[]).cameras == []


def test_an_episode_begins_as_in_the_data_set(seen: Path) -> None:
    from lerobot.envs.utils import preprocess_observation

    seeds = [part["fmbench/episode_seed"] for part in rows_of(seen / "meta" / "episodes")]
    vector = made(configured(seen), len(seeds))
    assert type(vector).__name__ == "SyncVectorEnv"
    assert vector.call("_max_episode_steps") == (make_task("PressEither").horizon,) * len(seeds)
    assert set(vector.call("task_description")) == {make_task("PressEither").description}
    observed = preprocess_observation(vector.reset(seed=seeds)[0])
    vector.close()
    first = [part for part in rows_of(seen / "data") if part["frame_index"] == 0]
    for name in ("observation.state", "observation.environment_state"):
        there = torch.stack([torch.tensor(part[name]) for part in first])
        assert torch.equal(observed[name], there)
    pictures = {name for name in observed if name.startswith("observation.images.")}
    assert pictures == {"observation.images.main", "observation.images.right_front"}
    for name in pictures:
        assert observed[name].shape == (len(seeds), 3, 48, 48)
        assert len(observed[name].unique(dim=0)) == len(seeds)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a data set's files."""
    import pyarrow.parquet

    paths = sorted(folder.glob("*/*.parquet"))
    return [row for path in paths for row in pyarrow.parquet.read_table(path).to_pylist()]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "ReachPos"}, "unknown task 'ReachPos'; did you mean ReachPose"),
        ({"task": "LiftCube"}, "info.json: the task is 'fmbench/ReachPose-v1', not fmbench/L"),
        ({"cameras": ["mian"]}, "unknown camera of ReachPose 'mian'; did you mean main?"),
        ({"film_size": 4}, "film_size: the image size is 4; give a whole number of pixels"),
        ({"dataset": "nowhere"}, "nowhere has no meta/info.json; give the data set"),
    ],
)
def test_mistakes_are_told_in_one_line(values: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(FmbenchError, match=re.escape(message)) as caught:
        configured(root, **values)
    assert "\n" not in str(caught.value)


def test_a_task_whose_extra_is_missing_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.EXTRA_MODULES, "adroit", "no_such_module")
    with pytest.raises(FmbenchError, match="AdroitPen needs the extra 'adroit', which is not"):
        configured(root, task="AdroitPen")


def test_lerobot_shows_the_line(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = mistake(capsys, f"--policy.path={checkpoint}", "--env.task=LiftCub")
    (line,) = [line for line in told.splitlines() if "unknown task 'LiftCub'" in line]
    assert "FmbenchError" in line


def test_the_data_set_of_another_policy_is_refused(
    checkpoint: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(root / "meta", tmp_path / "meta")
    path = tmp_path / "meta" / "stats.json"
    stated = json.loads(path.read_bytes())
    stated["observation.state"]["mean"][0] += 0.1
    path.write_text(json.dumps(stated))
    monkeypatch.setattr(sys, "argv", ["lerobot-eval", f"--policy.path={checkpoint}"])
    assert configured(root).task == NAME
    with pytest.raises(FmbenchError, match=r"is not the data set of .*: the mean of obs"):
        configured(tmp_path)
    with pytest.raises(FmbenchError, match=r"gone has no meta/info\.json; give the data set on"):
        configured(tmp_path / "gone")


def test_a_policy_that_sees_more_is_refused(
    checkpoint: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "seeing"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_bytes())
    config["input_features"]["observation.images.main"] = {"type": "VISUAL", "shape": [3, 32, 32]}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(sys, "argv", ["lerobot-eval", f"--policy.path={folder}"])
    with pytest.raises(FmbenchError, match=r"observes observation\.images\.main; the environment"):
        configured(root)
    seen = {"cameras": ["main"], "image_size": 32}
    assert "observation.images.main" in configured(root, **seen).features
    with pytest.raises(FmbenchError, match=r"draws \[3, 96, 96\]: give --env\.image_size=32, the"):
        configured(root, cameras=["main"])


def test_the_data_set_is_the_one_that_the_command_line_names(
    checkpoint: Path, root: Path, seen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["lerobot-eval", f"--policy.path={checkpoint}"])
    assert configured("").dataset == str(root)
    monkeypatch.setattr(sys, "argv", ["lerobot-train", f"--dataset.root={seen}"])
    assert configured("").dataset == str(seen)
    monkeypatch.setattr(sys, "argv", ["lerobot-eval", "--policy.path=own/act"])
    with pytest.raises(FmbenchError, match=r"not known \(none is named\): give --env.dataset=DIR"):
        configured("")


def mistake(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what a refused evaluation says: 0.6.1 prints it, 0.4.4 ends with the exception."""
    with pytest.raises((SystemExit, Exception)) as caught:
        evaluate(*words, "--eval.n_episodes=1", "--eval.batch_size=1")
    return capsys.readouterr().err + str(caught.value)
