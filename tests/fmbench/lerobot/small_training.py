"""Small policies of LeRobot, trained on an exported data set, saved as LeRobot saves them.

LeRobot's own data loader would take most of the time, and 0.4.4 reads no films here: the windows
are cut, and films are read, by this file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from fmbench.lerobot import layout, parquet

BATCH, RATE = 64, 2e-3
SMALL_ACT = {
    **{"chunk_size": 8, "n_action_steps": 8, "dim_model": 64, "n_heads": 2},
    **{"dim_feedforward": 128, "n_encoder_layers": 1, "n_vae_encoder_layers": 1},
    **{"use_vae": False, "dropout": 0.0},
}
"""An ACT that succeeds in some episodes after 200 updates."""


def train_act(root: Path, out: Path, updates: int) -> Path:
    """Train `SMALL_ACT` on the states of a data set; return the checkpoint folder."""
    inputs = (layout.STATE, layout.ENVIRONMENT)
    return train_small("act", root, out, updates, inputs, SMALL_ACT)


def train_small(
    kind: str,
    root: Path,
    out: Path,
    updates: int,
    inputs: tuple[str, ...],
    options: Mapping[str, Any],
    batch: int = BATCH,
) -> Path:
    """Train a policy that observes some features of a data set; return the checkpoint folder."""
    from lerobot.configs.default import DatasetConfig
    from lerobot.configs.train import TrainPipelineConfig
    from lerobot.datasets.lerobot_dataset import LeRobotDatasetMetadata
    from lerobot.policies.factory import get_policy_class, make_pre_post_processors

    meta = LeRobotDatasetMetadata("own/data", root=root)
    config = _config(kind, meta, inputs, options)
    torch.manual_seed(0)
    policy = get_policy_class(kind)(config)
    pre, post = make_pre_post_processors(config, dataset_stats=meta.stats)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=RATE)
    policy.train()
    windows = _Windows(root, config)
    for _ in range(updates):
        loss, _ = policy.forward(pre(windows.draw(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = out / "pretrained_model"
    for part in (policy, pre, post):
        part.save_pretrained(folder)
    data_set = DatasetConfig(repo_id="own/data", root=str(root))
    TrainPipelineConfig(dataset=data_set, policy=config).save_pretrained(folder)
    return folder


def _config(kind: str, meta: Any, inputs: tuple[str, ...], options: Mapping[str, Any]) -> Any:
    from lerobot.policies.factory import make_policy_config

    from tests.fmbench.lerobot.test_with_lerobot import policy_features

    features = policy_features(meta.features)
    seen = any(name.startswith(layout.IMAGES) for name in inputs)
    return make_policy_config(
        kind,
        device="cpu",
        push_to_hub=False,
        input_features={name: features[name] for name in inputs},
        output_features={layout.ACTION: features[layout.ACTION]},
        **({"pretrained_backbone_weights": None} if seen else {}),
        **options,
    )


class _Windows:
    """All frames of a data set, from which batches of windows are drawn."""

    def __init__(self, root: Path, config: Any) -> None:
        names = [name for name in config.input_features if not name.startswith(layout.IMAGES)] + [
            layout.ACTION,
            layout.EPISODE,
        ]
        paths = sorted((root / "data").glob("*/*.parquet"))
        files = [parquet.read_columns(path, names) for path in paths]
        columns = {name: np.concatenate([file[name] for file in files]) for name in names}
        episodes = columns.pop(layout.EPISODE)
        self._first = np.searchsorted(episodes, episodes)
        self._last = np.searchsorted(episodes, episodes, side="right") - 1
        self._columns = {name: torch.from_numpy(values) for name, values in columns.items()}
        for name in config.input_features:
            if name.startswith(layout.IMAGES):
                self._columns[name] = films(root / "videos" / name)
        self._config, self._rng = config, np.random.default_rng(0)

    def draw(self, batch: int) -> dict[str, torch.Tensor]:
        """Return windows of some frames, as LeRobot's data loader cuts them."""
        frames = self._rng.integers(len(self._last), size=batch)
        seen, acted = (
            self._config.observation_delta_indices,
            self._config.action_delta_indices,
        )
        steps = frames[:, None] + np.array(acted)
        drawn = {"action_is_pad": torch.from_numpy(~self._within(frames, steps))}
        drawn[layout.ACTION] = self._columns[layout.ACTION][self._clipped(frames, steps)]
        past = frames if seen is None else self._clipped(frames, frames[:, None] + np.array(seen))
        for name in self._config.input_features:
            values = self._columns[name][past]
            drawn[name] = values / 255 if values.dtype == torch.uint8 else values
        return drawn

    def _within(self, frames: np.ndarray, steps: np.ndarray) -> np.ndarray:
        first, last = self._first[frames][:, None], self._last[frames][:, None]
        within: np.ndarray = (steps >= first) & (steps <= last)
        return within

    def _clipped(self, frames: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return np.clip(steps, self._first[frames][:, None], self._last[frames][:, None])


def films(folder: Path) -> torch.Tensor:
    """Return all pictures of a camera, `(frames, 3, size, size)` uint8."""
    pictures = []
    for path in sorted(folder.glob("*/*.mp4")):
        with av.open(str(path)) as film:
            pictures += [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
