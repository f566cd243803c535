"""Step an Adroit environment of gymnasium-robotics and a row of ours from the same state."""

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from envs.adroit.models import AdroitTask
from envs.world import World

Pose = Callable[[Any, dict[str, np.ndarray]], None]


def make_peer(name: str) -> Any:
    """Return the published environment of a task, such as "AdroitDoor"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import gymnasium_robotics

        gymnasium.register_envs(gymnasium_robotics)
        return gymnasium.make(f"AdroitHand{name.removeprefix('Adroit')}-v1").unwrapped


def published(task: AdroitTask, world: World, row: np.ndarray) -> np.ndarray:
    """Return the published part of our observation, unclipped, in double precision."""
    values = task.observe_published(world.view(row))
    return np.concatenate([values[field.name][0] for field in task.published_fields()])


def begin(peer: Any, world: World, row: int, pose: Pose) -> None:
    """Copy the episode's goals into the peer's model, and reset it as its own `reset` does."""
    peer.reset(seed=0)
    pose(peer, {name: values[row] for name, values in world.memory.items()})
    peer.set_state(peer.init_qpos, peer.init_qvel)


def differences(
    task: AdroitTask, peer: Any, pose: Pose, actions: np.ndarray, row: int = 1
) -> dict[str, float]:
    """Step both from an initial state of ours; return the largest differences."""
    world, rows = World(task, 3, 1), np.array([row])
    world.reset(world.all_rows, np.arange(3))
    begin(peer, world, row, pose)
    first = np.abs(published(task, world, rows) - peer._get_obs()).max()
    largest = {"start": float(first), "qpos": 0.0, "qvel": 0.0, "observation": 0.0, "success": 0.0}
    for action in actions:
        observation, _, _, _, info = peer.step(action)
        outcome, view = world.step(rows, action[None]), world.view(rows)
        errors = {
            "qpos": np.abs(peer.data.qpos - view.qpos[0]).max(),
            "qvel": np.abs(peer.data.qvel - view.qvel[0]).max(),
            "observation": np.abs(observation - published(task, world, rows)).max(),
            "success": abs(float(info["success"]) - float(outcome.solved[0])),
        }
        largest |= {key: max(largest[key], float(value)) for key, value in errors.items()}
        if outcome.terminated[0] or outcome.truncated[0]:
            break
    return largest
