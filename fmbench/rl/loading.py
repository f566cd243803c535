"""Trained agents, loaded from their checkpoints."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from envs.registry import TASKS
from envs.task_hash import task_hash
from fmbench.errors import FmbenchError
from fmbench.rl.agents import Agent, TrainingRequest, make_agent
from fmbench.rl.checkpoints import KIND, AgentTraining, restore_training
from fmbench.rl.recipes import ALGORITHMS
from fmbench.storage.artefacts import verify


def load_agent(folder: Path) -> Agent:
    """Load the agent of a checkpoint, ready to `predict` from normalised observations.

    `agent.get_vec_normalize_env().normalize_obs` normalises observations as in its training.

    Args:
        folder: The checkpoint, `checkpoints/TASK-POLICY-seedN` of a run's folder.

    Raises:
        FmbenchError: It is damaged, or not one of `python -m fmbench.rl`, or its task has changed.
    """
    origin = verify(folder, KIND).get("origin")
    names = TrainingRequest.__dataclass_fields__
    if not isinstance(origin, dict) or not set(names) <= set(origin):
        raise FmbenchError(f"{folder} does not state how it was trained; train again")
    if origin["algorithm"] not in ALGORITHMS or origin["task"] not in TASKS:
        raise FmbenchError(
            f"{folder} is of {origin['algorithm']} on {origin['task']}, unknown here"
        )
    request = TrainingRequest(**{name: origin[name] for name in names} | {"device": "cpu"})
    training = AgentTraining(request, task_hash(request.task), make_agent(request))
    restore_training(folder, training, only_acts=True)
    return training.agent


def acting_parameters(agent: Agent) -> int:
    """Return the number of parameters by which an agent acts, without its critics."""
    policy: nn.Module = agent.policy
    critics = ("critic", "value_net", "mlp_extractor.value_net")
    return sum(p.numel() for name, p in policy.named_parameters() if not name.startswith(critics))
