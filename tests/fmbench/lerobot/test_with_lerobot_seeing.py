"""LeRobot's policies that see our cameras act here as in LeRobot's own loop.

LeRobot is in environments of its own, see `.ci/extras`.
"""

import dataclasses
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmbench import evaluate
from fmbench import export as export_command
from fmbench.evaluation.players import outside_player
from fmbench.harness.rollout import rollout
from fmbench.report.results import read_results
from policies.threads import one_thread
from tests.fmbench.lerobot.lerobot_import import import_torchvision
from tests.fmbench.lerobot.own_loop import (
    NAME,
    ROWS,
    SEEDS,
    TASK,
    SameNoise,
    actions_of,
    changed,
    load,
    loaded_checkpoint,
    own_actions,
)
from tests.fmbench.small_run import call

pytest.importorskip("lerobot")
pytestmark = pytest.mark.thorough
SIZE, UPDATES = 48, 3
STATE, ENVIRONMENT = "observation.state", "observation.environment_state"
CAMERA, MAIN = "observation.images.right_front", "observation.images.main"
OPTIONS: dict[str, dict[str, Any]] = {
    "act": {
        **{"chunk_size": 16, "n_action_steps": 16, "dim_model": 32, "n_heads": 2},
        **{"dim_feedforward": 32, "n_encoder_layers": 1, "n_vae_encoder_layers": 1},
    },
    "diffusion": {
        **{"down_dims": (32, 64), "horizon": 16, "n_action_steps": 3, "n_obs_steps": 3},
        **{"num_inference_steps": 3, "crop_shape": (40, 40)},
    },
}
INPUTS = {"act": (STATE, CAMERA), "diffusion": (STATE, ENVIRONMENT, CAMERA, MAIN)}


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        import_torchvision()
        yield


@pytest.fixture(scope="module")
def data_set(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with two cameras, of which ACT sees the second."""
    out, data = tmp_path_factory.mktemp("seen") / "set", demonstrations_folder.parent
    words = ("--format", "lerobot", "--task", NAME, "--episodes", "4", "--data", data, "--out", out)
    sight = ("--cameras", "main", "right-front", "--image-size", SIZE, "--renderer", "rays")
    assert call(export_command.main, *words, *sight) == 0
    return out


@pytest.fixture(scope="module")
def checkpoints(data_set: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from tests.fmbench.lerobot.small_training import train_small

    folder = tmp_path_factory.mktemp("trained")
    with one_thread():
        return {
            kind: train_small(kind, data_set, folder / kind, UPDATES, INPUTS[kind], options, 8)
            for kind, options in OPTIONS.items()
        }


@pytest.fixture(scope="module")
def in_harness(checkpoints: dict[str, Path]) -> dict[str, list[np.ndarray]]:
    """Actions of the policies in the harness, all episodes in one batch."""
    return {kind: acted(folder, SEEDS, ROWS) for kind, folder in checkpoints.items()}


def acted(folder: Path, seeds: np.ndarray, num_sims: int) -> list[np.ndarray]:
    checkpoint = loaded_checkpoint(folder)
    return actions_of(checkpoint.make(), seeds, num_sims, checkpoint.sight)


@pytest.mark.parametrize("kind", OPTIONS)
def test_it_acts_as_in_lerobots_loop(
    kind: str,
    checkpoints: dict[str, Path],
    in_harness: dict[str, list[np.ndarray]],
    data_set: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, loaded = load(checkpoints[kind])
    select = loaded.policy.select_action
    if kind == "diffusion":
        select = SameNoise(loaded.policy, SEEDS, monkeypatch).select
    with one_thread():
        theirs = own_actions(loaded, data_set, SEEDS, select)
    for a, b in zip(in_harness[kind], theirs, strict=True):
        assert np.array_equal(a, b)
    assert max(map(len, theirs)) > loaded.config.n_action_steps  # more than one chunk


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_episode_does_not_depend_on_its_batch(
    kind: str, checkpoints: dict[str, Path], in_harness: dict[str, list[np.ndarray]]
) -> None:
    in_turn = acted(checkpoints[kind], SEEDS[3::-1], 2)[::-1]
    for a, b in zip(in_turn, in_harness[kind][:4], strict=True):
        assert np.array_equal(a, b)


def test_any_policy_that_sees_acts_by_its_own_select_action(
    checkpoints: dict[str, Path], data_set: Path, tmp_path: Path
) -> None:
    values = {"temporal_ensemble_coeff": 0.01, "n_action_steps": 1}
    folder = changed(checkpoints["act"], tmp_path, **values)
    _, loaded = load(folder)
    ours = acted(folder, SEEDS[:2], 2)
    with one_thread():
        for episode, seed in zip(ours, SEEDS[:2], strict=True):
            alone = own_actions(loaded, data_set, np.array([seed]), loaded.policy.select_action)
            assert np.array_equal(episode, alone[0])


def test_the_command_names_the_cameras(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("--lerobot", checkpoints["act"], "--task", NAME, "--episodes", 2, "--out", out)
    assert call(evaluate.main, *words) == 0
    results = read_results(out)
    config = results.run.config
    assert (config["observation"], config["cameras"]) == ("pixels", ["right-front"])
    assert (config["image_size"], config["renderer"], config["beside"]) == (SIZE, "rays", "agent")
    assert results.run.sights is not None
    assert results.run.sights[NAME].startswith("rays right-front ")
    rows = results.episodes[results.episodes["policy"] == "lerobot-act"]
    assert (rows["nfe"] == 1).all()
    assert "pictures of 48 x 48 pixels by lerobot-resnet18" in (out / "summary.md").read_text()


def test_lerobots_own_evaluation_draws_what_is_observed(
    checkpoints: dict[str, Path], data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmbench.lerobot_env import FmbenchEnv

    for kind, cameras in {"act": ["right-front"], "diffusion": ["main", "right-front"]}.items():
        monkeypatch.setattr(sys, "argv", ["lerobot-eval", f"--policy.path={checkpoints[kind]}"])
        assert FmbenchEnv().cameras == cameras
    monkeypatch.setattr(sys, "argv", ["lerobot-train", f"--dataset.root={data_set}"])
    assert FmbenchEnv().cameras == ["main", "right-front"]


def test_lerobots_own_evaluation_is_that_of_the_harness(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    from tests.fmbench.lerobot.test_with_lerobot_env import evaluate as lerobot_eval

    folder, rows = checkpoints["act"], 4
    with one_thread():
        lerobot_eval(
            *(f"--policy.path={folder}", f"--env.task={NAME}", f"--seed={SEEDS[0]}"),
            *(f"--eval.n_episodes={rows}", f"--eval.batch_size={rows}"),
            *("--env.film_size=16", f"--output_dir={tmp_path}"),
        )
    (of_task,) = json.loads((tmp_path / "eval_info.json").read_bytes())["per_task"]
    checkpoint = loaded_checkpoint(folder)
    make = partial(checkpoint.make, batch=rows)  # the batch size of LeRobot's loop
    world, player, _ = outside_player(dataclasses.replace(checkpoint, make=make), TASK, rows)
    episodes = rollout(world, player, SEEDS[:rows])
    assert of_task["metrics"]["successes"] == [episode.success for episode in episodes]
    # the sums of episodes that end before the last one have one more reward, see docs/lerobot.md
    lengths = np.array([episode.length for episode in episodes])
    more = np.array(of_task["metrics"]["sum_rewards"]) - [e.episode_return for e in episodes]
    assert np.abs(more[lengths == lengths.max()]).max() < 1e-9
    assert np.abs(more).max() < 0.2
