"""Policies of LeRobot that see, in the harness, with a stand-in for LeRobot."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from envs.pictures.renderer import open_renderer
from envs.pictures.states import PictureStates, picture_states
from envs.registry import make_task
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.evaluation.outside import OutsideCheckpoint, OutsidePolicy, OutsideSight
from fmbench.evaluation.players import outside_player
from fmbench.harness.rollout import Policy, rollout
from fmbench.lerobot import layout
from fmbench.lerobot_policy.chunked import ACT, DIFFUSION, ChunkedLeRobot
from fmbench.lerobot_policy.loading import LoadedPolicy
from fmbench.lerobot_policy.observing import Observing
from fmbench.lerobot_policy.stepped import SteppedLeRobot
from fmbench.report.observed import observation_label
from fmbench.report.results import read_results
from fmbench.runs.outside import OutsideRun, outside_config
from tests.fmbench.runs.small_experiment import Log

NAME = "ReachPose"
TASK = make_task(NAME)
SIZE, EXECUTED, SEEDS = 16, 8, np.arange(3_000_000, 3_000_003)
CAMERAS = ("right-back", "main")
PICTURES = [layout.camera_key(camera) for camera in CAMERAS]
OBSERVING = Observing(TASK, None, [layout.STATE, *PICTURES], SIZE)


@pytest.fixture(scope="module")
def sight() -> OutsideSight:
    renderer = open_renderer(TASK, CAMERAS, SIZE, "rays")
    return OutsideSight(renderer, OBSERVING.shape, "rays right-back main 1234")


class Seeing(nn.Module):
    """Acts by what it sees, with what ACT and DiffusionPolicy have in LeRobot."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.model, self.diffusion = nn.Identity(), Diffusion(steps)
        self.config = SimpleNamespace(
            n_obs_steps=steps, n_action_steps=EXECUTED, horizon=16, image_features=PICTURES
        )

    def reset(self) -> None:
        """Forget nothing: it remembers nothing."""

    def select_action(self, batch: dict[str, Any]) -> Tensor:
        return self.predict_action_chunk(batch)[:, 0]

    def predict_action_chunk(self, batch: dict[str, Any]) -> Tensor:
        return chunk_of(self.model(torch.stack([batch[name] for name in PICTURES], dim=1)))


class Diffusion(nn.Module):
    """The part of DiffusionPolicy that samples."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        action = SimpleNamespace(shape=(TASK.act_dim,))
        self.unet, self.config = nn.Identity(), SimpleNamespace(horizon=16, action_feature=action)
        self.shape = (4, steps, *OBSERVING.shape[:1], 3, SIZE, SIZE)

    def conditional_sample(self) -> None:
        """Be there: the harness replaces it while it samples."""

    def generate_actions(self, batch: dict[str, Tensor], noise: Tensor) -> Tensor:
        pictures = batch["observation.images"]
        assert pictures.shape == self.shape
        assert noise.shape == (4, 16, TASK.act_dim)
        for k, name in enumerate(PICTURES):
            assert torch.equal(pictures[:, :, k], batch[name])
        return chunk_of(self.unet(pictures))


def chunk_of(pictures: Tensor) -> Tensor:
    """Return small actions `(B, EXECUTED, act_dim)` that depend on every pixel, exactly."""
    total = (pictures.double() * 255).round().flatten(1).sum(dim=1, keepdim=True)
    chunk = 0.05 * torch.sin(total * torch.arange(1, 1 + EXECUTED * TASK.act_dim))
    return chunk.unflatten(1, (EXECUTED, TASK.act_dim)).float()


def make(kind: str, steps: int = 1) -> tuple[Seeing, Policy]:
    policy = Seeing(steps)
    loaded = LoadedPolicy(policy, dict, lambda actions: actions, torch.device("cpu"))
    if kind in (ACT, DIFFUSION):
        return policy, ChunkedLeRobot(loaded, kind, OBSERVING, batch=4)
    return policy, SteppedLeRobot(loaded, kind, OBSERVING)


def actions_of(policy: Policy, sight: OutsideSight, seeds: np.ndarray, num_sims: int) -> Any:
    checkpoint = OutsideCheckpoint(lambda: policy, "ab" * 32, 0, sight=sight)
    world, player, _ = outside_player(checkpoint, TASK, num_sims)
    episodes = rollout(world, player, seeds, keep_trajectories=True)
    assert {episode.error for episode in episodes} == {""}
    return [e.trajectory.actions for e in episodes if e.trajectory is not None]


def test_pictures_are_converted_as_by_lerobot() -> None:
    levels = np.arange(2 * 2 * SIZE * SIZE * 3, dtype=np.int64) * 7919 % 256
    pictures = levels.reshape(2, *OBSERVING.shape).astype(np.uint8)
    numbers = np.linspace(-1.0, 1.0, 2 * TASK.obs_dim, dtype=np.float32).reshape(2, -1)
    window = np.concatenate((numbers, pictures.reshape(2, -1).astype(np.float32)), axis=1)
    features = OBSERVING.features(window)
    assert list(features) == [layout.STATE, *PICTURES]
    assert np.array_equal(features[layout.STATE].numpy(), numbers[:, TASK.agent_columns])
    for k, name in enumerate(PICTURES):
        expected = torch.from_numpy(np.moveaxis(pictures[:, k], -1, 1).copy()).float()
        expected /= 255
        assert features[name].is_contiguous()
        assert torch.equal(features[name], expected)


@pytest.mark.parametrize("kind", [ACT, DIFFUSION])
def test_an_episode_does_not_depend_on_its_batch(kind: str, sight: OutsideSight) -> None:
    steps = 2 if kind == DIFFUSION else 1
    together = actions_of(make(kind, steps)[1], sight, SEEDS, 3)
    in_turn = actions_of(make(kind, steps)[1], sight, SEEDS[::-1], 2)[::-1]
    assert len({actions.tobytes() for actions in together}) == 3
    for a, b in zip(together, in_turn, strict=True):
        assert np.array_equal(a, b)


def test_it_sees_the_pictures_of_its_states(sight: OutsideSight) -> None:
    policy, acting = make("another")
    seen: list[Tensor] = []
    policy.model.register_forward_pre_hook(lambda _, pictures: seen.append(pictures[0]))
    checkpoint = OutsideCheckpoint(lambda: acting, "ab" * 32, 0, sight=sight)
    world, player, _ = outside_player(checkpoint, TASK, 2)
    rows, drawn = world.all_rows, []
    world.reset(rows, SEEDS[:2])
    player.reset(rows, SEEDS[:2])
    for _ in range(3):
        actions, _ = player.act(rows, world.observe(rows)[:, None])
        drawn.append(sight.renderer.draw(picture_states(world, rows)))
        world.step(rows, actions[:, 0])
    pictures = np.concatenate(drawn)
    assert len({each.tobytes() for each in pictures}) == 6
    expected = np.moveaxis(pictures.astype(np.float32) / np.float32(255), -1, 2)
    assert np.array_equal(torch.cat(seen).numpy(), expected)  # one row at a time


def outside(sight: OutsideSight) -> OutsidePolicy:
    checkpoint = OutsideCheckpoint(
        lambda: make(ACT)[1], "ab" * 32, 0, make_single=lambda: make(ACT)[1], sight=sight
    )
    settings = {"encoder": "lerobot-x", "cameras": list(CAMERAS), "image_size": SIZE}
    return OutsidePolicy(
        *("lerobot-act", "LeRobot ACT", "#332288", NAME, [checkpoint], "lerobot-act"),
        settings={**settings, "renderer": "rays", "beside": "agent"},
    )


def run(policy: OutsidePolicy, out: Path, episodes: int, times: bool = False) -> None:
    interrupts = Interrupts()
    session = Session(Log(interrupts, "never"), interrupts)
    config = outside_config(policy, episodes, "cpu")
    OutsideRun(policy, config, out, session, times_decisions=times, draws=False).run()


def test_a_run_names_its_pictures_and_resumes_exactly(sight: OutsideSight, tmp_path: Path) -> None:
    run(outside(sight), tmp_path / "run", 1, times=True)
    run(outside(sight), tmp_path / "run", 2)
    run(outside(sight), tmp_path / "whole", 2)
    rows = [(tmp_path / name / "episodes.csv").read_bytes() for name in ("run", "whole")]
    assert rows[0] == rows[1]
    facts = json.loads((tmp_path / "run" / "run.json").read_bytes())
    assert facts["sights"] == {NAME: "rays right-back main 1234"}
    assert facts["config"]["observation"] == "pixels"
    assert facts["config"]["cameras"] == list(CAMERAS)
    (cost,) = read_results(tmp_path / "run").measurements.to_dict("records")
    assert cost["latency_ms_p50"] > 0
    other = OutsideSight(sight.renderer, sight.shape, "rays right-back main 5678")
    with pytest.raises(FmbenchError, match="main 1234 there, rays right-back main 5678 now"):
        run(outside(other), tmp_path / "run", 2)


def test_a_sight_that_fails_is_no_failure_of_the_policy(tmp_path: Path) -> None:
    class Broken:
        def draw(self, states: PictureStates) -> None:
            raise OSError("the GPU is lost")

    sight = OutsideSight(Broken(), OBSERVING.shape, "rays main 1234")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="the GPU is lost"):
        run(outside(sight), tmp_path / "run", 1)


def test_what_stands_beside_pictures_is_named() -> None:
    config = {"observation": "pixels", "encoder": "lerobot-resnet18", "beside": "agent"}
    assert observation_label(config) == "lerobot-resnet18"
    assert observation_label({**config, "beside": "state"}) == "lerobot-resnet18 + state"
