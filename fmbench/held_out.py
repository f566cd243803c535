"""Expert episodes that no policy was trained on, laid out as windows, for diagnostics."""

import numpy as np

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.dataset import Demonstrations
from fmbench.rollout import Trajectory, rollout
from fmbench.seeds import VALIDATION, episode_seeds
from fmbench.windows import Windows, make_windows

HELD_OUT_EPISODES = 32


def held_out_windows(config: RunConfig, task: str, episodes: int = HELD_OUT_EPISODES) -> Windows:
    """Roll the expert out on the first validation seeds, under the noise of demonstrations.

    Args:
        config: The run: noise, horizons, device.
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
    kept: list[Trajectory] = [e.trajectory for e in rolled if e.trajectory is not None]
    data = Demonstrations(
        observations=np.concatenate([each.observations for each in kept]),
        actions=np.concatenate([each.actions for each in kept]),
        executed=np.concatenate([each.executed for each in kept]),
        lengths=np.array([len(each.actions) for each in kept], dtype=np.int64),
        sha256="",
        manifest={},
    )
    return make_windows(data, config.obs_horizon, config.pred_horizon, config.device)
