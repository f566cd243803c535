"""Trainings of seconds: tiny networks, few steps, and a session that stops where it is told."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envs.task_hash import task_hash
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.rl import training as training_module
from fmbench.rl.agents import TrainingRequest, make_agent
from fmbench.rl.checkpoints import AgentTraining, LogPoint, restore_training
from fmbench.rl.recipes import ALGORITHMS
from fmbench.rl.training import train

TASK = "ReachPose"
SMALL = {
    "ppo": {"width": 8, "depth": 1, "rollout_steps": 40, "batch_size": 16, "epochs": 2},
    "sac_her": {"width": 8, "depth": 1, "batch_size": 8, "learning_starts": 0},
}
REQUESTS = {
    "ppo": TrainingRequest("ppo", TASK, 200, 2, 3),
    "sac_her": TrainingRequest("sac_her", TASK, 200, 2, 3),
}


@contextmanager
def small_recipes() -> Iterator[None]:
    """Make networks tiny, and a point of the log every 40 steps."""
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in SMALL.items():
            values = {**ALGORITHMS[name].values, **{k: (v, "a test") for k, v in changes.items()}}
            patch.setitem(ALGORITHMS, name, dataclasses.replace(ALGORITHMS[name], values=values))
        patch.setattr(training_module, "LOG_STEPS", 40)
        yield


def begin(request: TrainingRequest, folder: Path) -> AgentTraining:
    """Return a training that has not begun, or goes on as its checkpoint says."""
    training = AgentTraining(request, task_hash(request.task), make_agent(request))
    if folder.exists():
        restore_training(folder, training)
    return training


def go_on(
    request: TrainingRequest, folder: Path, stop_at: int | None = None, checkpoint_s: float = 1e9
) -> AgentTraining:
    """Train to the end, or until a signal arrives at a point of the log."""
    interrupts = Interrupts()

    def signal(point: LogPoint) -> None:
        interrupts.requested |= stop_at is not None and point.steps >= stop_at

    training = begin(request, folder)
    session = Session(interrupts=interrupts)
    if stop_at is None:
        train(training, folder, session, signal, checkpoint_s)
    else:
        with pytest.raises(KeyboardInterrupt):
            train(training, folder, session, signal, checkpoint_s)
    return training
