"""A policy of LeRobot in the harness, and in LeRobot's own loop over `select_action`."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs.pictures.renderer import open_renderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.world import World
from fmbench.evaluation.outside import OutsideCheckpoint, OutsideSight
from fmbench.evaluation.players import outside_player
from fmbench.harness.rollout import Policy, rollout

NAME = "PressEither"
TASK = make_task(NAME)
ROWS = 16
"""Rows of LeRobot's own loop: `fmbench.lerobot_policy.chunked.CPU_ROWS`."""
SEEDS = np.arange(3_000_000, 3_000_000 + ROWS)


def load(folder: Path) -> tuple[Callable[[], Policy], Any]:
    """Return what makes the policy of a checkpoint, and the loaded policy of LeRobot."""
    checkpoint = loaded_checkpoint(folder)
    return checkpoint.make, checkpoint.make.args[0]  # type: ignore[attr-defined]


def loaded_checkpoint(folder: Path) -> OutsideCheckpoint:
    """Return what acts with a checkpoint folder."""
    from fmbench.runs.of_lerobot import lerobot_policy

    (checkpoint,) = lerobot_policy([folder], NAME).checkpoints
    return checkpoint


def actions_of(
    policy: Policy, seeds: np.ndarray, num_sims: int, sight: OutsideSight | None = None
) -> list[np.ndarray]:
    """Return the actions of a policy in the harness, of each episode."""
    checkpoint = OutsideCheckpoint(lambda: policy, "ab" * 32, 0, sight=sight)
    world, player, _ = outside_player(checkpoint, TASK, num_sims)
    episodes = rollout(world, player, seeds, keep_trajectories=True)
    assert {episode.error for episode in episodes} == {""}
    return [e.trajectory.actions for e in episodes if e.trajectory is not None]


def own_actions(
    loaded: Any, data_set: Path, seeds: np.ndarray, select: Callable[[Any], torch.Tensor]
) -> list[np.ndarray]:
    """Return the actions of LeRobot's own loop, all episodes in one batch, each until it ends.

    Observations are cut, scaled and drawn by what `meta/info.json` says, and then processed by
    LeRobot's own code.
    """
    from lerobot.envs.utils import preprocess_observation

    ours = json.loads((data_set / "meta" / "info.json").read_bytes())["fmbench"]
    seen = np.repeat(
        [part["environment"] for part in ours["fields"]], [part["size"] for part in ours["fields"]]
    )
    scaling = {k: np.array(v) for k, v in ours["environment_state"].items()}
    world, draw = World(make_task(NAME), len(seeds), 1), _drawing(loaded, ours)
    rows = world.all_rows
    world.reset(rows, seeds)
    loaded.policy.reset()
    ended, actions = np.zeros(len(seeds), dtype=bool), [[] for _ in seeds]
    raw, pixels = world.observe(rows), draw(world, rows)
    while not ended.all():
        active = rows[~ended]
        raw[active] = world.observe(active)
        for camera, pictures in draw(world, active).items():
            pixels[camera][active] = pictures
        scaled = (raw[:, seen] - scaling["offset"]) / scaling["divisor"]
        states = {"agent_pos": raw[:, ~seen], "environment_state": scaled.astype(np.float32)}
        batch = preprocess_observation({**states, **({"pixels": pixels} if pixels else {})})
        with torch.inference_mode():
            action = loaded.denormalise(select(loaded.normalise(batch))).numpy()
        action = np.clip(action, -1.0, 1.0)
        for row in active.tolist():
            actions[row].append(action[row])
        outcome = world.step(active, action[active])
        ended[active] = outcome.terminated | outcome.truncated
    return [np.array(each) for each in actions]


def _drawing(
    loaded: Any, ours: Mapping[str, Any]
) -> Callable[[World, np.ndarray], dict[str, np.ndarray]]:
    """Return a function that draws the cameras of a policy, `(n, size, size, 3)` uint8 each."""
    seen = [name for name in loaded.config.input_features if name in ours["cameras"]]
    if not seen:
        return lambda world, rows: {}
    cameras, size = [ours["cameras"][name] for name in seen], ours["pictures"]["size"]
    renderer = open_renderer(TASK, cameras, size, ours["pictures"]["renderer_renderer"])

    def draw(world: World, rows: np.ndarray) -> dict[str, np.ndarray]:
        pictures = renderer.draw(picture_states(world, rows))
        return {
            name.removeprefix("observation.images."): np.ascontiguousarray(pictures[:, k])
            for k, name in enumerate(seen)
        }

    return draw


class SameNoise:
    """Hands LeRobot's loop the noise of the episodes: at the start of a chunk, and at each step."""

    def __init__(self, policy: Any, seeds: np.ndarray, patch: pytest.MonkeyPatch) -> None:
        from diffusers.schedulers import scheduling_ddpm

        from policies.actor import EpisodeNoise

        self.policy, self.episodes = policy, [EpisodeNoise(0, int(seed)) for seed in seeds]
        self.generators: list[torch.Generator] = []
        patch.setattr(scheduling_ddpm, "randn_tensor", lambda shape, **_: self._draw(shape[1:]))

    def _draw(self, shape: Any) -> torch.Tensor:
        return torch.stack([torch.randn(tuple(shape), generator=g) for g in self.generators])

    def select(self, batch: Any) -> torch.Tensor:
        if len(self.policy._queues["action"]):
            return self.policy.select_action(batch)
        drawn = [episode.next_decision().integers(2**63) for episode in self.episodes]
        self.generators = [torch.Generator().manual_seed(int(seed)) for seed in drawn]
        config = self.policy.config
        noise = self._draw((config.horizon, config.action_feature.shape[0]))
        return self.policy.select_action(batch, noise=noise)


def changed(folder: Path, out: Path, **values: Any) -> Path:
    """Copy a checkpoint with other values of its configuration."""
    new = out / "pretrained_model"
    shutil.copytree(folder, new)
    path = new / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **values}))
    return new
