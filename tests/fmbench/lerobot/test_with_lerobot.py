"""LeRobot loads an exported data set and trains its own policies on it.

LeRobot is in environments of its own, see `.ci/extras`.
"""

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs.registry import make_task
from fmbench import export as command
from fmbench.data.store import Demonstrations
from tests.fmbench.lerobot.lerobot_import import import_torchvision
from tests.fmbench.small_run import call

pytest.importorskip("lerobot")
pytestmark = pytest.mark.thorough
NEWER = importlib.metadata.version("lerobot") != "0.4.4"
SMALL = ("--format", "lerobot", "--task", "PressEither", "--episodes", "4")
SEEN = ("--cameras", "main", "--image-size", "96", "--renderer", "rays")
TASK = make_task("PressEither")
OPTIONS: dict[str, dict[str, Any]] = {
    "act": {
        **{"chunk_size": 8, "n_action_steps": 8, "dim_model": 32, "n_heads": 2},
        **{"dim_feedforward": 32, "n_encoder_layers": 1, "n_vae_encoder_layers": 1},
    },
    "diffusion": {"down_dims": (32, 64), "horizon": 16},
}


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keep LeRobot from its hub, and its copies of the data in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        import_torchvision()
        yield


@pytest.fixture(scope="module")
def roots(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data sets of states alone, and with a camera."""
    folder = tmp_path_factory.mktemp("exported")
    data = demonstrations_folder.parent
    for name, words in {"state": (), "seen": SEEN}.items():
        assert call(command.main, *SMALL, *words, "--data", data, "--out", folder / name) == 0
    return {name: folder / name for name in ("state", "seen")}


def data_set(root: Path, **options: Any) -> Any:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset("fmbench/press_either", root=root, **options)


def test_it_loads_every_frame(roots: dict[str, Path], demonstrations: Demonstrations) -> None:
    loaded = data_set(roots["state"])
    steps = int(demonstrations.lengths.sum())
    assert (len(loaded), loaded.num_episodes, loaded.fps) == (steps, 4, 25)
    frames = [loaded[k] for k in range(steps)]
    actions = torch.stack([frame["action"] for frame in frames]).numpy()
    assert np.array_equal(actions, demonstrations.actions)
    last = (demonstrations.lengths + 1).cumsum() - 1
    observed = np.delete(demonstrations.observations, last, axis=0)
    states = torch.stack([frame["observation.state"] for frame in frames]).numpy()
    assert np.array_equal(states, observed[:, TASK.agent_columns])
    assert {frame["task"] for frame in frames} == {TASK.description}
    assert sum(bool(frame["next.success"]) for frame in frames) == 4


@pytest.mark.skipif(not NEWER, reason="0.4.4 reads films by what torchvision 0.28 has no more")
def test_it_finds_the_pictures_of_each_frame(roots: dict[str, Path]) -> None:
    loaded = data_set(roots["seen"])
    mean = np.ravel(loaded.meta.stats["observation.images.main"]["mean"])
    pictures = torch.stack([loaded[k]["observation.images.main"] for k in range(len(loaded))])
    assert pictures.shape[1:] == (3, 96, 96)
    assert np.abs(pictures.mean(dim=(0, 2, 3)).numpy() - mean).max() < 0.01


@pytest.mark.parametrize("root", ["state", *(["seen"] if NEWER else [])])
@pytest.mark.parametrize("name", OPTIONS)
def test_its_policies_make_updates(name: str, root: str, roots: dict[str, Path]) -> None:
    from lerobot.configs.types import FeatureType
    from lerobot.datasets.factory import resolve_delta_timestamps
    from lerobot.policies.factory import (
        get_policy_class,
        make_policy_config,
        make_pre_post_processors,
    )

    meta = data_set(roots[root]).meta
    features = policy_features(meta.features)
    actions = {k: v for k, v in features.items() if v.type is FeatureType.ACTION}
    inputs = {k: v for k, v in features.items() if k not in actions}
    pictures = [key for key in inputs if key.startswith("observation.images.")]
    assert set(inputs) == {"observation.state", "observation.environment_state", *pictures}
    assert (len(pictures) == 1) == (root == "seen")
    options = {**OPTIONS[name], **({"pretrained_backbone_weights": None} if pictures else {})}
    config = make_policy_config(
        name,
        device="cpu",
        input_features=inputs,
        output_features=actions,
        push_to_hub=False,
        **options,
    )
    torch.manual_seed(0)
    policy = get_policy_class(name)(config)
    preprocess, _ = make_pre_post_processors(config, dataset_stats=meta.stats)
    windows = data_set(roots[root], delta_timestamps=resolve_delta_timestamps(config, meta))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    before = [parameter.detach().clone() for parameter in policy.parameters()]
    policy.train()
    for _, batch in zip(range(2), torch.utils.data.DataLoader(windows, 16, True), strict=False):
        inputs_and_actions = preprocess(batch)
        assert inputs_and_actions["observation.environment_state"].abs().max() < 20
        loss, _ = policy.forward(inputs_and_actions)
        assert loss.isfinite()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert any(not torch.equal(a, b) for a, b in zip(before, policy.parameters(), strict=True))


def policy_features(features: Any) -> Any:
    if NEWER:
        from lerobot.utils.feature_utils import dataset_to_policy_features
    else:
        from lerobot.datasets.utils import dataset_to_policy_features
    return dataset_to_policy_features(features)
