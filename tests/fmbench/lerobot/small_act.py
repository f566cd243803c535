"""A small ACT of LeRobot that succeeds in some episodes, saved as LeRobot saves it.

LeRobot's own data loader would take most of the time: the windows are cut here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from fmbench.lerobot import layout, parquet

CHUNK, WIDTH, BATCH, RATE = 8, 64, 64, 2e-3


def train_act(root: Path, out: Path, updates: int) -> Path:
    """Train on the states of a data set; return the checkpoint folder."""
    from lerobot.configs.default import DatasetConfig
    from lerobot.configs.train import TrainPipelineConfig
    from lerobot.datasets.lerobot_dataset import LeRobotDatasetMetadata
    from lerobot.policies.factory import get_policy_class, make_pre_post_processors

    meta = LeRobotDatasetMetadata("own/data", root=root)
    config = _config(meta)
    torch.manual_seed(0)
    policy = get_policy_class("act")(config)
    pre, post = make_pre_post_processors(config, dataset_stats=meta.stats)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=RATE)
    policy.train()
    windows = _Windows(root)
    for _ in range(updates):
        loss, _ = policy.forward(pre(windows.draw()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = out / "pretrained_model"
    for part in (policy, pre, post):
        part.save_pretrained(folder)
    data_set = DatasetConfig(repo_id="own/data", root=str(root))
    TrainPipelineConfig(dataset=data_set, policy=config).save_pretrained(folder)
    return folder


def _config(meta: Any) -> Any:
    from lerobot.configs.types import FeatureType
    from lerobot.policies.factory import make_policy_config

    from tests.fmbench.lerobot.test_with_lerobot import policy_features

    features = policy_features(meta.features)
    actions = {k: v for k, v in features.items() if v.type is FeatureType.ACTION}
    return make_policy_config(
        "act",
        device="cpu",
        push_to_hub=False,
        input_features={k: v for k, v in features.items() if k not in actions},
        output_features=actions,
        **{"chunk_size": CHUNK, "n_action_steps": CHUNK, "dim_model": WIDTH, "n_heads": 2},
        **{"dim_feedforward": 2 * WIDTH, "n_encoder_layers": 1, "n_vae_encoder_layers": 1},
        **{"use_vae": False, "dropout": 0.0},
    )


class _Windows:
    """All frames of a data set, from which batches of windows are drawn."""

    def __init__(self, root: Path) -> None:
        names = [layout.STATE, layout.ENVIRONMENT, layout.ACTION, layout.EPISODE]
        paths = sorted((root / "data").glob("*/*.parquet"))
        files = [parquet.read_columns(path, names) for path in paths]
        columns = {name: np.concatenate([file[name] for file in files]) for name in names}
        episodes = columns.pop(layout.EPISODE)
        self._last = np.searchsorted(episodes, episodes, side="right") - 1
        self._columns = {name: torch.from_numpy(values) for name, values in columns.items()}
        self._rng = np.random.default_rng(0)

    def draw(self) -> dict[str, torch.Tensor]:
        first = self._rng.integers(len(self._last), size=BATCH)
        steps, last = first[:, None] + np.arange(CHUNK), self._last[first][:, None]
        columns = self._columns
        batch = {name: columns[name][first] for name in (layout.STATE, layout.ENVIRONMENT)}
        batch[layout.ACTION] = columns[layout.ACTION][np.minimum(steps, last)]
        return {**batch, "action_is_pad": torch.from_numpy(steps > last)}
