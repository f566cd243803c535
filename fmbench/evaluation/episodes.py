"""Evaluation of a cell: one policy with one sampler on the test episodes of one task."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs.registry import TASKS, make_task
from envs.task import IntArray
from envs.task_hash import task_hash
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, Cell, Origin
from fmbench.evaluation.error_text import error_text
from fmbench.evaluation.outside import OutsideCheckpoint
from fmbench.evaluation.perturbed import perturbed_player
from fmbench.evaluation.players import (
    Player,
    expert_player,
    make_world,
    outside_player,
    policy_player,
)
from fmbench.harness.behaviour import Behaviour
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import MAX_SIMS, Episode, Float32Array, Policy, rollout
from fmbench.harness.seeds import TEST_BLOCKS, VALIDATION, episode_seeds
from fmbench.harness.watched_world import Watch
from fmbench.sight.eyes import SightError
from fmbench.sight.opening import Sight
from fmbench.storage.episode_files import Episodes
from fmbench.storage.hashes import short_hash
from fmbench.storage.memory import give_back, lacks_memory
from fmbench.storage.rows import CellRow, EpisodeRow, OriginRow
from fmbench.storage.stamps import Stamp, stamp_of, unknown_parts
from policies.chunk_policy import ChunkPolicy


def evaluate(
    cell: Cell,
    config: RunConfig,
    origin: Origin,
    policy: ChunkPolicy | OutsideCheckpoint | None,
    on_episode: Callable[[int], None],
    earlier: Sequence[EpisodeRow] = (),
    sight: Sight | None = None,
) -> Episodes:
    """Run a cell's missing test episodes; return a row per episode, and a row of their origin.

    Args:
        cell: What to evaluate.
        config: The run.
        origin: The origin of the numbers.
        policy: The trained policy, or one from outside; None for the expert and random actions.
        on_episode: Called with the number of finished episodes.
        earlier: Rows of its first episodes, if there are some.
        sight: What the policy sees with; None if it observes the state.
    """
    before = len(earlier)
    seeds = episode_seeds(TEST_BLOCKS[config.test_block], config.episodes)[before:]
    episodes = play(cell, config, policy, seeds, lambda done: on_episode(before + done), sight)
    rows = [episode_row(episode, cell) for episode in episodes]
    return Episodes([*earlier, *rows], [origin_row(cell, config, origin)])


def validate(
    cell: Cell, config: RunConfig, policy: ChunkPolicy, on_episode: Callable[[int], None]
) -> list[Episode]:
    """Run as many validation episodes as a cell has test episodes; see `evaluate`.

    Args:
        cell: What to evaluate.
        config: The run.
        policy: The trained policy, which observes the state.
        on_episode: Called with the number of finished episodes.
    """
    seeds = episode_seeds(VALIDATION, config.episodes)
    return play(cell, config, policy, seeds, on_episode, None)


def play(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy | OutsideCheckpoint | None,
    seeds: IntArray,
    on_episode: Callable[[int], None],
    sight: Sight | None,
    watch: Watch | None = None,
) -> list[Episode]:
    """Run the episodes of some seeds; return them in the order of the seeds.

    What the simulations used is then free for the whole machine.

    Args:
        cell: What to evaluate.
        config: The run.
        policy: The trained policy, or one from outside; None for the expert and random actions.
        seeds: The episodes, `(n,)`.
        on_episode: Called with the number of finished episodes.
        sight: What the policy sees with; None if it observes the state.
        watch: Called at every observation; the episodes then have trajectories.
    """
    episodes = _play(cell, config, policy, seeds, on_episode, sight, watch)
    give_back()
    return episodes


def _play(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy | OutsideCheckpoint | None,
    seeds: IntArray,
    on_episode: Callable[[int], None],
    sight: Sight | None,
    watch: Watch | None,
) -> list[Episode]:
    num_sims = min(len(seeds), MAX_SIMS)
    world, player, delay = _player(cell, config, policy, sight, num_sims, watch)
    actor = _Watched(player)
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        if actor.fault is not None:
            raise actor.fault
        done += 1
        on_episode(done)

    return rollout(
        world,
        actor,
        seeds,
        keep_trajectories=watch is not None,
        on_episode=count,
        delay=delay,
        measures=Behaviour(world),
    )


class _Watched:
    """A policy whose lack of memory or sight is remembered: it is a fault, not a failure.

    Args:
        policy: The policy.

    Attributes:
        fault: The first exception by which the policy lacked memory or did not see.
    """

    def __init__(self, policy: Policy) -> None:
        self.obs_horizon, self.exec_horizon = policy.obs_horizon, policy.exec_horizon
        self.reset, self._policy = policy.reset, policy
        self.fault: BaseException | None = None

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide; see `Policy`."""
        try:
            return self._policy.act(rows, observations)
        except Exception as error:
            cause = error.__cause__ if isinstance(error, SightError) else error
            if cause is not error or lacks_memory(error):
                self.fault = self.fault or cause
            raise


MOTION = ("episode_return", "action_smoothness", "boundary_jump", "jerk", "peak_contact_force")
"""Columns that describe a motion."""
MOTION_DIGITS = 3
"""Their significant digits: more would only make rows longer."""
IDENTITY = ("task_version", "task_hash", "weights_hash", "demonstrations_hash", "config_hash")
"""What the origin of saved rows must have in common with this run's; the device too."""


def check_origin(
    path: Path, there: OriginRow, now: OriginRow, made_with: Sequence[Stamp] = ()
) -> None:
    """Check that saved rows are of a cell, and of its task, weights, data and configuration.

    Args:
        path: Their file, for messages.
        there: Their origin.
        now: The origin of rows that would be made now.
        made_with: Further code and versions that are accepted.

    Raises:
        FmbenchError: They are not; the message names the file and what differs.
    """
    names = (*CellRow.key, *IDENTITY, "device")
    differences = [
        f"{name}: {getattr(there, name)!r} there, {getattr(now, name)!r} now"
        for name in names
        if getattr(there, name) != getattr(now, name)
    ]
    foreign = unknown_parts(stamp_of(there), [*made_with, stamp_of(now)])
    differences += [f"made with {part}" for part in foreign]
    if differences:
        raise FmbenchError(
            f"{path} holds rows of something else ({'; '.join(differences)}); delete it, and the "
            "same command evaluates again"
        )


def check_seeds(path: Path, rows: Sequence[EpisodeRow], block: int) -> None:
    """Check that saved rows are those of the first test episodes, in order.

    Args:
        path: Their file, for messages.
        rows: The rows.
        block: The block of test seeds, a key of `TEST_BLOCKS`.

    Raises:
        FmbenchError: An episode is missing, or there is another one.
    """
    seeds = episode_seeds(TEST_BLOCKS[block], max(1, len(rows))).tolist()
    if [row.episode_seed for row in rows] != seeds:
        raise FmbenchError(
            f"{path} does not hold the first {len(rows)} test episodes in order; delete it, and "
            "the same command evaluates again"
        )


def _player(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy | OutsideCheckpoint | None,
    sight: Sight | None,
    num_sims: int,
    watch: Watch | None,
) -> Player:
    if isinstance(policy, OutsideCheckpoint):
        return outside_player(policy, make_task(cell.task), num_sims, watch)
    if cell.perturb:
        return perturbed_player(cell, config, policy, sight, num_sims)
    if cell.policy == EXPERT:
        return expert_player(cell.task, num_sims, watch)
    if policy is None:
        world = make_world(make_task(cell.task), num_sims, watch)
        return Player(world, RandomPolicy(world))
    return policy_player(policy, cell, config, sight, num_sims, watch)


def with_short_motion(row: EpisodeRow) -> EpisodeRow:
    """Return a row with what describes the motion in `MOTION_DIGITS` significant digits."""
    values = {name: getattr(row, name) for name in MOTION}
    short: dict[str, Any] = {
        k: v if v is None else float(f"{v:.{MOTION_DIGITS}g}") for k, v in values.items()
    }
    return dataclasses.replace(row, **short)


def episode_row(episode: Episode, cell: Cell) -> EpisodeRow:
    """Return the row of one episode of a cell."""
    row = EpisodeRow(
        **cell.cell,
        episode_seed=episode.episode_seed,
        success=episode.success,
        success_any=episode.success_any,
        success_end=episode.success_end,
        progress=episode.progress,
        episode_return=episode.episode_return,
        length=episode.length,
        time_to_success_s=episode.time_to_success_s,
        mode=episode.mode,
        decisions=episode.decisions,
        nfe=episode.nfe,
        action_smoothness=episode.action_smoothness,
        sim_unstable=episode.sim_unstable,
        error=error_text(episode.error),
        boundary_jump=episode.boundary_jump,
        jerk=episode.jerk,
        peak_contact_force=episode.peak_contact_force,
        drops=episode.drops,
        stage=episode.stage,
        stages_reached=episode.stages_reached,
    )
    return with_short_motion(row)


def origin_row(cell: Cell, config: RunConfig, origin: Origin) -> OriginRow:
    """Return the origin of a cell as it is written."""
    return OriginRow(
        **cell.cell,
        task_version=TASKS[cell.task].version,
        weights_hash=origin.weights,
        demonstrations_hash=origin.demonstrations,
        task_hash=short_hash(task_hash(cell.task)),
        config_hash=config.cell_hash(cell.policy),
        commit=origin.stamp.commit,
        device=config.device,
        versions=origin.stamp.versions,
        code_hash=origin.stamp.code_hash,
    )
