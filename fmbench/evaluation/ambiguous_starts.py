"""Starts from which an expert goes on in one of several ways, with demonstrated chunks of each."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from envs.experts.base import Expert
from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.task import BoolArray, IntArray
from envs.world import Snapshot, World
from fmbench.config import RunConfig
from fmbench.harness.rollout import Float32Array
from fmbench.harness.seeds import VALIDATION, episode_seeds

STARTS = 12
DRAWS = 32
"""Demonstrated chunks of every way."""
PARTED = 1e-5
"""Difference of commands in [-1, 1] from which they are of different ways; less is rounding."""


@dataclass(frozen=True)
class AmbiguousStarts:
    """Windows of observations that all ways share, and what an expert commands from there.

    Attributes:
        windows: `(starts, obs_horizon, obs_dim)`.
        chunks: Demonstrated chunks, `(starts, ways, DRAWS, pred_horizon, act_dim)`. Those at one
            place of different ways differ in nothing but the way.
    """

    windows: Tensor
    chunks: Tensor

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def ways(self) -> int:
        """Number of ways."""
        return self.chunks.shape[1]

    @property
    def gaps(self) -> Tensor:
        """Distance between the two nearest ways of every start, `(starts,)`.

        It is the root mean square difference of two chunks, averaged over those that differ in
        nothing but the way.
        """
        chunks = self.chunks.double()
        pairs = torch.combinations(torch.arange(self.ways))
        differences = chunks[:, pairs[:, 0]] - chunks[:, pairs[:, 1]]
        return differences.square().mean((3, 4)).sqrt().mean(2).amin(1)


@dataclass(frozen=True)
class _Parting:
    """The moment at which the ways of one start part.

    Attributes:
        window: The last observations, `(obs_horizon, obs_dim)`.
        state: The state of the simulation.
        phase: The expert's phase in each mode, `(modes,)`.
        phase_steps: Control steps that it has lasted, `(modes,)`.
    """

    window: Float32Array
    state: Snapshot
    phase: IntArray
    phase_steps: IntArray


def ambiguous_starts(config: RunConfig, task: str) -> AmbiguousStarts | None:
    """Find ambiguous starts of a task, and demonstrate every way from there.

    From each of the first validation seeds the expert acts without noise, once in every mode. The
    ambiguous start is the last observation before the commands of the modes differ. From there
    `DRAWS` experts continue in each mode; their speed and whatever else an expert draws, and the
    noise on their commands, are those of demonstrations. So a way is as wide as its
    demonstrations: two speeds are not two ways.

    All are functions of the task, the horizons and the noise; no test seed is used.

    Args:
        config: The run, for horizons and noise.
        task: Name of the task.

    Returns:
        The starts at which ways part; None if there are none, e.g. on a task with one mode.
    """
    made = make_task(task)
    modes = len(made.modes)
    if modes < 2:
        return None
    partings = _partings(World(made, STARTS * modes), config.obs_horizon)
    if not partings:
        return None
    world = World(made, modes * DRAWS)
    expert, noise = make_expert(world), CommandNoise(world, config.noise)
    seeds = episode_seeds(VALIDATION + STARTS, len(partings) * DRAWS).reshape(-1, DRAWS)
    chunks = [
        _demonstrate(expert, noise, parting, drawn, config.pred_horizon)
        for parting, drawn in zip(partings, seeds, strict=True)
    ]
    return AmbiguousStarts(
        torch.from_numpy(np.stack([parting.window for parting in partings])),
        torch.from_numpy(np.stack(chunks)),
    )


def _partings(world: World, obs_horizon: int) -> list[_Parting]:
    """Return the moments at which the ways part, one for every start at which they do.

    The rows of one start follow one another, one for each mode. Until they part they get the same
    commands, so their states and observations are equal to the last bit.
    """
    expert, modes = make_expert(world), len(world.task.modes)
    rows = world.all_rows
    seeds = np.repeat(episode_seeds(VALIDATION, STARTS), modes)
    world.reset(rows, seeds)
    expert.reset(rows, seeds)
    expert.mode[rows] = rows % modes
    windows = np.repeat(world.observe(rows)[:, None], obs_horizon, axis=1)
    partings: dict[int, _Parting] = {}
    while len(rows):
        phase, phase_steps = expert.phase.copy(), expert.phase_steps.copy()
        commands = _commands(expert, rows, windows[rows, -1]).reshape(-1, modes, world.task.act_dim)
        parts = (np.abs(commands - commands[:, :1]) > PARTED).any(axis=(1, 2))
        for first in rows[::modes][parts].tolist():
            of_modes = slice(first, first + modes)
            partings[first] = _Parting(
                windows[first].copy(), world.save(first), phase[of_modes], phase_steps[of_modes]
            )
        rows = rows[np.repeat(~parts, modes)]
        if len(rows):
            is_over = _step(world, rows, np.repeat(commands[~parts, 0], modes, axis=0))
            rows = rows[~is_over]
            windows[rows, :-1] = windows[rows, 1:]
            windows[rows, -1] = world.observe(rows)
    return [partings[first] for first in sorted(partings)]


def _demonstrate(
    expert: Expert, noise: CommandNoise, parting: _Parting, seeds: IntArray, steps: int
) -> Float32Array:
    """Return the commands of one expert per mode and seed, `(modes, seeds, steps, act_dim)`.

    After the end of an episode the last command is repeated, as in training.
    """
    world, modes = expert.world, len(parting.phase)
    rows = world.all_rows
    mode = rows // len(seeds)
    for row in rows.tolist():
        world.restore(row, parting.state)
    drawn = np.tile(seeds, modes)
    expert.reset(rows, drawn)
    noise.reset(rows, drawn)
    expert.mode[rows] = mode
    expert.phase[rows], expert.phase_steps[rows] = parting.phase[mode], parting.phase_steps[mode]
    chunks = np.zeros((len(rows), steps, world.task.act_dim), np.float32)
    for step in range(steps):
        chunks[:, step] = chunks[:, max(step - 1, 0)]
        if len(rows):
            commands = _commands(expert, rows, world.observe(rows))
            chunks[rows, step] = commands
            executed = noise.disturb(rows, world.step_count[rows], commands)
            rows = rows[~_step(world, rows, executed)]
    return chunks.reshape(modes, len(seeds), steps, -1)


def _commands(expert: Expert, rows: IntArray, observations: Float32Array) -> Float32Array:
    """Return the commands of an expert, `(n, act_dim)`, as the harness executes them."""
    actions, _ = expert.act(rows, observations[:, None])
    commands: Float32Array = np.clip(actions[:, 0], -1.0, 1.0).astype(np.float32)
    return commands


def _step(world: World, rows: IntArray, commands: np.ndarray) -> BoolArray:
    """Step some rows and return whether their episodes are over, `(n,)`."""
    outcome = world.step(rows, commands)
    return np.asarray(outcome.terminated | outcome.truncated)
