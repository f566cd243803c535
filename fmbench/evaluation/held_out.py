"""Windows of expert episodes that no policy was trained on, for diagnostics."""

import numpy as np

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.data.store import Demonstrations
from fmbench.harness.rollout import Trajectory, rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from fmbench.training.windows import Windows, make_windows

HELD_OUT_EPISODES = 32


def held_out_windows(config: RunConfig, task: str, episodes: int = HELD_OUT_EPISODES) -> Windows:
    """Roll the expert out on the first validation seeds, under the noise of demonstrations.

    Args:
        config: The run, for noise, horizons and device.
        task: Name of the task.
        episodes: Number of episodes, failures included.

    Returns:
        Their windows, with the expert's clean commands as actions.
    """
    world = World(make_task(task), episodes)
    rolled = rollout(
        world,
        make_expert(world),
        episode_seeds(VALIDATION, episodes),
        disturbance=CommandNoise(world, config.noise),
        keep_trajectories=True,
    )
    trajectories: list[Trajectory] = [e.trajectory for e in rolled if e.trajectory is not None]
    data = Demonstrations(
        observations=np.concatenate([t.observations for t in trajectories]),
        actions=np.concatenate([t.actions for t in trajectories]),
        executed=np.concatenate([t.executed for t in trajectories]),
        lengths=np.array([len(t.actions) for t in trajectories], dtype=np.int64),
        sha256="",
        manifest={},
    )
    return make_windows(data, config.obs_horizon, config.pred_horizon, config.device)
