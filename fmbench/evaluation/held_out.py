"""Windows of expert episodes that no policy was trained on, for diagnostics."""

import numpy as np

from envs.experts.command_noise import CommandNoise
from fmbench.config import RunConfig
from fmbench.data.replay import replay_states
from fmbench.data.store import Demonstrations
from fmbench.evaluation.players import expert_player
from fmbench.harness.rollout import Trajectory, rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from fmbench.sight.opening import Sight
from fmbench.training.windows import Windows, make_windows

HELD_OUT_EPISODES = 32
ROWS_PER_DRAWING = 64


def held_out_windows(
    config: RunConfig,
    task: str,
    sight: Sight | None = None,
    episodes: int = HELD_OUT_EPISODES,
) -> Windows:
    """Roll the expert out on the first validation seeds, under the noise of demonstrations.

    Args:
        config: The run, for noise, horizons and device.
        task: Name of the task.
        sight: What the policies see with; None if they observe the state.
        episodes: Number of episodes, failures included.

    Returns:
        Their windows, with the expert's clean commands as actions.
    """
    world, expert = expert_player(task, episodes)
    seeds = episode_seeds(VALIDATION, episodes)
    rolled = rollout(
        world,
        expert,
        seeds,
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
        manifest={"episode_seeds": seeds.tolist()},
    )
    horizons = config.obs_horizon, config.pred_horizon
    if sight is None:
        return make_windows(data, *horizons, config.device)
    states = replay_states(sight.task, data, lambda done: None)
    rows = range(0, len(states), ROWS_PER_DRAWING)
    parts = [sight.eyes.see(states.rows(slice(k, k + ROWS_PER_DRAWING))) for k in rows]
    seen = np.concatenate(parts)
    return make_windows(data, *horizons, config.device, sight.task.agent_columns, seen)
