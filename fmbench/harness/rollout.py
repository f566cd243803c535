"""The rollout loop, the same for experts, random, learned and RL policies.

Receding horizon: a policy receives the last `obs_horizon` observations and returns an action chunk,
of which `exec_horizon` actions are executed before its next decision (`fmbench.harness.chunks` has
the delays). With obs_horizon 2 and exec_horizon 4 (o: observed, x: executed):

    control step   -1   0   1   2   3   4   5   6   7   8
    decision 0          o
    (the first observation repeated)
                        x   x   x   x
    decision 1                      o   o
                                        x   x   x   x

All episodes run in one batch. Each is counted exactly once, and its row depends only on the policy
and its episode seed.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from envs.task import BoolArray, IntArray
from envs.world import Outcome, World
from fmbench.harness.chunks import Chunks, Delay
from fmbench.harness.chunks import Float32Array as Float32Array
from fmbench.harness.episode import Episode as Episode
from fmbench.harness.episode import Trajectory as Trajectory

MAX_SIMS = 256
"""Most simulations of one rollout that callers ask for; episodes do not depend on their number."""


class Policy(Protocol):
    """The interface of everything that acts in the harness."""

    obs_horizon: int
    exec_horizon: int

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start the episodes `episode_seeds`, `(n,)`, in `rows`, `(n,)`."""

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Decide for `rows`, `(n,)`, from observations `(n, obs_horizon, obs_dim)`.

        Returns:
            Actions to execute, `(n, exec_horizon, act_dim)` in [-1, 1], or as many of each chunk as
            the rollout's `Delay` states, and the number of network evaluations of each decision,
            `(n,)`.
        """


class Measures(Protocol):
    """What is measured of episodes beside their outcome; it must not change them."""

    def begin(self, rows: IntArray) -> None:
        """Start episodes in `rows`, `(n,)`."""

    def record(self, rows: IntArray, outcome: Outcome) -> None:
        """Measure `rows`, `(n,)`, after a control step."""

    def finish(self, row: int, episode: Episode) -> None:
        """Write what was measured into the completed episode of a row."""


class Disturbance(Protocol):
    """A disturbance between a command and its execution."""

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start the episodes `episode_seeds`, `(n,)`, in `rows`, `(n,)`."""

    def disturb(self, rows: IntArray, steps: IntArray, actions: np.ndarray) -> np.ndarray:
        """Return the executed actions `(n, act_dim)` for the commands at control steps `(n,)`."""


def rollout(
    world: World,
    policy: Policy,
    episode_seeds: IntArray,
    *,
    disturbance: Disturbance | None = None,
    keep_trajectories: bool = False,
    on_episode: Callable[[Episode], None] | None = None,
    delay: Delay = Delay(),  # noqa: B008, it is a tuple
    measures: Measures | None = None,
) -> list[Episode]:
    """Run one episode per seed and return them in the order of the seeds.

    Args:
        world: The simulations; the episodes do not depend on their number.
        policy: The policy.
        episode_seeds: `(episodes,)`, without repetition.
        disturbance: Changes commands before they are executed.
        keep_trajectories: Whether episodes have a trajectory.
        on_episode: Called when an episode ends, in the order in which they end.
        delay: The delay of the policy's decisions.
        measures: What else is measured of the episodes.
    """
    seeds = np.asarray(episode_seeds, dtype=np.int64)
    if not len(seeds):
        return []
    if len(np.unique(seeds)) != len(seeds):
        raise ValueError("Episode seeds repeat; each episode is counted once.")
    run = _Run(world, policy, disturbance, keep_trajectories, delay, measures)
    finished: dict[int, Episode] = {}
    waiting = seeds.tolist()
    rows = world.all_rows[: len(waiting)]
    run.begin(rows, np.array([waiting.pop(0) for _ in rows]))
    active = np.zeros(world.num_sims, dtype=np.bool_)
    active[rows] = True
    while active.any():
        ended = run.advance(np.flatnonzero(active))
        for row in ended.tolist():
            episode = run.finish(row)
            finished[episode.episode_seed] = episode
            if on_episode is not None:
                on_episode(episode)
        refill = ended[: len(waiting)]
        active[ended[len(refill) :]] = False
        if len(refill):
            run.begin(refill, np.array([waiting.pop(0) for _ in refill]))
    return [finished[seed] for seed in seeds.tolist()]


class _Run:
    """The state of one rollout, one entry per row of the world."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        disturbance: Disturbance | None,
        keep: bool,
        delay: Delay,
        measures: Measures | None,
    ) -> None:
        n, task, horizon = world.num_sims, world.task, world.horizon
        self.world, self.policy, self.disturbance, self.keep = world, policy, disturbance, keep
        self.measures = measures
        self.window: Float32Array = np.zeros((n, policy.obs_horizon, task.obs_dim), np.float32)
        self.chunks = Chunks(n, policy.exec_horizon, delay, task.act_dim)
        self.recent: Float32Array = np.zeros((n, 3, task.act_dim), np.float32)  # the latest last
        self.episodes = [Episode(-1)] * n
        self.failed: BoolArray = np.zeros(n, dtype=np.bool_)
        self.steps: IntArray = np.zeros(n, dtype=np.int64)
        names = ("return", "nfe", "roughness", "jerk", "decisions")
        self.totals = {name: np.zeros(n) for name in names}
        if keep:
            self.observations = np.zeros((n, horizon + 1, task.obs_dim), np.float32)
            self.actions = np.zeros((n, horizon, task.act_dim), np.float32)
            self.executed = np.zeros_like(self.actions)
            self.rewards = np.zeros((n, horizon))

    def begin(self, rows: IntArray, seeds: IntArray) -> None:
        self.world.reset(rows, seeds)
        self.policy.reset(rows, seeds)
        if self.disturbance is not None:
            self.disturbance.reset(rows, seeds)
        if self.measures is not None:
            self.measures.begin(rows)
        first = self.world.observe(rows)
        self.window[rows] = first[:, None]
        task = self.world.task
        self.chunks.begin(rows, task.action(task.resting_command(self.world.view(rows))))
        self.failed[rows] = False
        self.steps[rows] = 0
        for total in self.totals.values():
            total[rows] = 0.0
        for row, seed in zip(rows.tolist(), seeds.tolist(), strict=True):
            self.episodes[row] = Episode(seed)
        if self.keep:
            self.observations[rows, 0] = first

    def advance(self, rows: IntArray) -> IntArray:
        """Step `rows` once; return those whose episode ended."""
        self._decide(self.chunks.due(rows))
        failed = self.failed[rows]
        broken: IntArray = rows[failed]
        rows = rows[~failed]
        if not len(rows):
            return broken
        actions = self.chunks.advance(rows)
        executed = actions
        if self.disturbance is not None:
            executed = self.disturbance.disturb(rows, self.steps[rows], actions)
        outcome = self.world.step(rows, executed)
        observations = self.world.observe(rows)
        self._record(rows, actions, executed, observations, outcome)
        if self.measures is not None:
            self.measures.record(rows, outcome)
        ended: IntArray = rows[outcome.terminated | outcome.truncated]
        return np.concatenate([broken, ended])

    def _decide(self, rows: IntArray) -> None:
        if not len(rows):
            return
        shape = (len(rows), self.chunks.length, self.world.task.act_dim)
        try:
            actions, nfe = self.policy.act(rows, self.window[rows])
            actions = np.asarray(actions, dtype=np.float32)
            if actions.shape != shape:
                raise ValueError(f"the policy returned actions {actions.shape}, not {shape}")
            self.totals["nfe"][rows] += nfe
        except Exception as error:  # any exception of a policy is a counted failure
            self._fail(rows, f"{type(error).__name__}: {error}")
            return
        is_finite = np.isfinite(actions).all(axis=(1, 2))
        self.chunks.decide(rows[is_finite], np.clip(actions[is_finite], -1.0, 1.0))
        self.totals["decisions"][rows] += 1
        self._fail(rows[~is_finite], "the policy returned NaN or infinity")

    def _fail(self, rows: IntArray, error: str) -> None:
        self.failed[rows] = True
        for row in rows.tolist():
            self.episodes[row].error = error

    def _record(
        self,
        rows: IntArray,
        actions: Float32Array,
        executed: np.ndarray,
        observations: Float32Array,
        outcome: Outcome,
    ) -> None:
        steps = self.steps[rows]
        if self.keep:
            self.observations[rows, steps + 1] = observations
            self.actions[rows, steps] = actions
            self.executed[rows, steps] = executed
            self.rewards[rows, steps] = outcome.reward
        self.window[rows, :-1] = self.window[rows, 1:]
        self.window[rows, -1] = observations
        self._record_smoothness(rows, actions, steps)
        self.totals["return"][rows] += outcome.reward
        self.steps[rows] += 1
        ended: BoolArray = outcome.terminated | outcome.truncated
        for k in np.flatnonzero(outcome.solved | ended).tolist():
            self._record_outcome(int(rows[k]), k, outcome, bool(ended[k]))

    def _record_smoothness(self, rows: IntArray, actions: Float32Array, steps: IntArray) -> None:
        """Add the second and third differences of the commands, and remember the last three."""
        a, b, c = (self.recent[rows, k] for k in range(3))
        second = np.abs((actions - 2.0 * c + b).astype(np.float64)).mean(axis=1)
        third = np.abs((actions - 3.0 * c + 3.0 * b - a).astype(np.float64)).mean(axis=1)
        self.totals["roughness"][rows] += np.where(steps >= 2, second, 0.0)
        self.totals["jerk"][rows] += np.where(steps >= 3, third, 0.0)
        self.recent[rows, 0], self.recent[rows, 1], self.recent[rows, 2] = b, c, actions

    def _record_outcome(self, row: int, k: int, outcome: Outcome, has_ended: bool) -> None:
        """Copy an outcome into the episode of one row that is solved or has ended."""
        episode, task = self.episodes[row], self.world.task
        episode.success_any |= bool(outcome.solved[k])
        if not has_ended:
            return
        episode.success = bool(outcome.success[k])
        episode.success_end = bool(outcome.solved[k])
        episode.progress = float(outcome.progress[k])
        episode.sim_unstable = bool(outcome.unstable[k])
        mode = int(outcome.mode[k])
        episode.mode = task.modes[mode] if mode >= 0 else ""
        if episode.success:
            episode.time_to_success_s = round(int(self.steps[row]) * task.control_period_s, 6)

    def finish(self, row: int) -> Episode:
        """Return the row's completed episode."""
        episode, length = self.episodes[row], int(self.steps[row])
        decisions = int(self.totals["decisions"][row])
        episode.length, episode.decisions = length, decisions
        episode.episode_return = float(self.totals["return"][row])
        episode.nfe = float(self.totals["nfe"][row]) / max(1, decisions)
        episode.action_smoothness = float(self.totals["roughness"][row]) / max(1, length - 2)
        episode.jerk = float(self.totals["jerk"][row]) / max(1, length - 3)
        episode.boundary_jump = self.chunks.boundary_jump(row)
        if self.measures is not None:
            self.measures.finish(row, episode)
        if self.keep:
            episode.trajectory = Trajectory(
                observations=self.observations[row, : length + 1].copy(),
                actions=self.actions[row, :length].copy(),
                executed=self.executed[row, :length].copy(),
                rewards=self.rewards[row, :length].copy(),
            )
        return episode
