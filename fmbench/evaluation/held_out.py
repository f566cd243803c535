"""Windows of expert episodes that no policy was trained on, for diagnostics."""

import numpy as np
import torch
from torch import Tensor

from envs.experts.command_noise import CommandNoise
from envs.pictures.states import PictureStates
from fmbench.config import RunConfig
from fmbench.data.replay import replay_states
from fmbench.data.store import Demonstrations
from fmbench.evaluation.players import expert_player
from fmbench.harness.rollout import Trajectory, rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from fmbench.sight.opening import Sight
from fmbench.training.windows import Windows, make_windows

HELD_OUT_EPISODES = 32
WINDOWS = 256
"""Number of windows that are diagnosed."""
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
        Their windows, with the expert's clean commands as actions; only those that are diagnosed
        where policies see.
    """
    world, expert, _ = expert_player(task, episodes)
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
    windows = make_windows(data, *horizons, config.device, sight.task.agent_columns)
    return _seen(windows, replay_states(sight.task, data, lambda done: None), sight)


def spread(windows: Windows) -> Tensor:
    """Return the control steps of the windows that are diagnosed, evenly spaced."""
    return torch.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).long()


def _seen(windows: Windows, states: PictureStates, sight: Sight) -> Windows:
    """Return the windows that are diagnosed, with what is seen in them: no other is drawn."""
    device = windows.actions.device
    chosen = spread(windows).to(device)
    rows, places = torch.unique(windows.observation_index[chosen], return_inverse=True)
    observed = states.rows(rows.cpu().numpy())
    starts = range(0, len(observed), ROWS_PER_DRAWING)
    parts = [sight.eyes.see(observed.rows(slice(k, k + ROWS_PER_DRAWING))) for k in starts]
    return Windows(
        observations=windows.observations[rows],
        actions=windows.actions,
        observation_index=places,
        action_index=windows.action_index[chosen],
        seen=torch.from_numpy(np.concatenate(parts)).to(device),
    )
