"""Translate a World into Gymnasium spaces, seeds and infos, batched over rows."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Space

from envs.task import BoolArray, IntArray, Task
from envs.world import Outcome, World

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
RENDER_MODES = ("rgb_array",)
# Seeds that an environment draws itself are above every seed of the benchmark, so that an agent
# trained with plain `reset()` never sees a test episode.
DRAWN_SEEDS = (2**32, 2**62)
MAX_SEED = 2**63 - 1


def make_spaces(task: Task) -> tuple[Space[Array], Space[Array]]:
    """Return the observation space (obs_dim,) and the action space (act_dim,), both float32."""
    limits = task.observation_limits()
    observation_space: Any = Box(-limits, limits, dtype=np.float32)
    action_space: Any = Box(-1.0, 1.0, (task.act_dim,), np.float32)
    return observation_space, action_space


def render_fps(task: Task) -> int:
    """Return the number of control steps per second of simulated time."""
    return round(1.0 / task.control_period_s)


def check_render_mode(render_mode: str | None) -> None:
    """Check the render mode.

    Raises:
        ValueError: It does not exist; the message lists the modes.
    """
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise ValueError(f"render_mode is {render_mode!r}; use None or {', '.join(RENDER_MODES)}.")


def check_options(options: dict[str, Any], valid: str) -> None:
    """Check that the reset options contain no key but `valid`.

    Raises:
        ValueError: They do; the message lists the unknown keys and the valid one.
    """
    unknown = [str(key) for key in options if key != valid]
    if unknown:
        raise ValueError(f"Unknown reset options {', '.join(unknown)}; the only one is {valid!r}.")


def check_episode_seed(seed: object) -> int:
    """Return `seed` as an int.

    Raises:
        ValueError: It is not a whole number in [0, 2**63).
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed <= MAX_SEED:
        return int(seed)
    raise ValueError(f"The episode seed is {seed!r}; give a whole number in [0, 2**63).")


def draw_episode_seed(rng: np.random.Generator) -> int:
    """Draw an episode seed when the user gave none."""
    return int(rng.integers(*DRAWN_SEEDS))


def start_infos(world: World, rows: IntArray) -> dict[str, np.ndarray]:
    """Return the infos of rows after a reset, each (n,)."""
    score = world.task.score(world.view(rows))
    no = np.zeros(len(rows), dtype=np.bool_)
    terms = {name: np.zeros(len(rows)) for name in score.reward_terms}
    unstable = world.is_unstable(rows)
    return _infos(world, rows, no, no, score.progress, score.mode, unstable, terms)


def step_infos(world: World, rows: IntArray, outcome: Outcome) -> dict[str, np.ndarray]:
    """Return the infos of rows after a control step, each (n,)."""
    return _infos(
        world,
        rows,
        outcome.success,
        outcome.solved,
        outcome.progress,
        outcome.mode,
        outcome.unstable,
        outcome.reward_terms,
    )


def _infos(
    world: World,
    rows: IntArray,
    success: BoolArray,
    solved: BoolArray,
    progress: np.ndarray,
    mode: np.ndarray,
    unstable: BoolArray,
    reward_terms: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    return {
        "success": success,
        "is_success": success,
        "solved": solved,
        "progress": progress,
        "mode": mode.astype(np.int64),
        "sim_unstable": unstable,
        "episode_seed": world.episode_seeds[rows],
        **{f"reward/{name}": values for name, values in reward_terms.items()},
    }
