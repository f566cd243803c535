"""Train an agent with progress, curves and checkpoints, to the same bytes after interruptions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback

from fmbench.cli.progress import Stage
from fmbench.cli.session import Session
from fmbench.rl.checkpoints import AgentTraining, LogPoint, save_training
from fmbench.rl.state import begin
from fmbench.rl.time_left import TimeLeft

LOG_STEPS = 5_000
"""Environment steps between points of the log."""
CHECKPOINT_S = 120.0
"""Time between checkpoints: what a killed process loses. The training does not depend on it."""
LOSSES = "train/"
OnPoint = Callable[[LogPoint], None]


def train(
    training: AgentTraining,
    folder: Path,
    session: Session,
    on_point: OnPoint = lambda point: None,
    checkpoint_s: float = CHECKPOINT_S,
) -> None:
    """Train to the end, or until time is up or the user interrupts; then save a checkpoint.

    Args:
        training: The training, begun or not.
        folder: Where its checkpoint is.
        session: Progress display and requests to stop.
        on_point: Called with each point of the log.
        checkpoint_s: Time between checkpoints [s].

    Raises:
        Interrupted: The user has interrupted; the state is saved.
        RunFailed: A weight became NaN.
    """
    request, agent = training.request, training.agent
    if training.has_ended:
        return
    if agent._last_obs is None:
        begin(agent)
    name = f"{request.task} {request.policy} training"
    with session.reporter.stage(name, request.done_after, agent.num_timesteps) as stage:
        follower = _Follower(training, folder, session, stage, on_point, checkpoint_s)
        steps = request.done_after - agent.num_timesteps
        with contextlib.suppress(_TimeIsUpError):
            agent.learn(steps, callback=follower, log_interval=None, reset_num_timesteps=False)
        follower.finish()


def time_left(training: AgentTraining) -> TimeLeft:
    """Return what tells the time left of a training."""
    agent, total = training.agent, training.request.done_after
    if not isinstance(agent, SAC):
        return TimeLeft(total)
    return TimeLeft(total, agent.learning_starts, agent.gradient_steps / agent.n_envs)


class _TimeIsUpError(Exception):
    """Ends a training between two rollouts."""


class _Follower(BaseCallback):  # type: ignore[misc]
    """Follows a training between rollouts, where nothing is half done."""

    def __init__(
        self,
        training: AgentTraining,
        folder: Path,
        session: Session,
        stage: Stage,
        on_point: OnPoint,
        checkpoint_s: float,
    ) -> None:
        super().__init__()
        self._training, self._folder, self._session = training, folder, session
        self._stage, self._on_point, self._checkpoint_s = stage, on_point, checkpoint_s
        self._clock = self._saved = time.monotonic()
        self._left = time_left(training)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        training, steps = self._training, int(self.model.num_timesteps)
        now = time.monotonic()
        training.seconds += now - self._clock
        self._clock = now
        self._stage.update(steps, self._left.at(steps, now))
        last = training.log[-1].steps if training.log else 0
        if steps // LOG_STEPS > last // LOG_STEPS:
            self._log()
        is_stopping = self._session.interrupts.requested
        if is_stopping or now - self._saved >= self._checkpoint_s:
            save_training(self._folder, training)
            self._clock = self._saved = time.monotonic()
        self._session.interrupts.stop_here()
        if training.is_complete:
            raise _TimeIsUpError

    def finish(self) -> None:
        """Note the end of the training, and save it."""
        self._training.has_ended = True
        self._training.seconds += time.monotonic() - self._clock
        steps = int(self.model.num_timesteps)
        self._stage.update(steps)
        if not self._training.log or self._training.log[-1].steps < steps:
            self._log()
        save_training(self._folder, self._training)

    def _log(self) -> None:
        values: Mapping[str, object] = self.model.logger.name_to_value
        infos, successes = self.model.ep_info_buffer, self.model.ep_success_buffer
        point = LogPoint(
            steps=int(self.model.num_timesteps),
            success=float(np.mean(successes)) if successes else 0.0,
            episode_return=float(np.mean([info["r"] for info in infos])) if infos else 0.0,
            losses={
                name.removeprefix(LOSSES): float(value)  # type: ignore[arg-type]
                for name, value in sorted(values.items())
                if name.startswith(LOSSES)
            },
        )
        self._training.log.append(point)
        self._on_point(point)
