"""Trained agents of stable-baselines3 as a policy from outside, with all of their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TypeAlias

import numpy as np

from envs.registry import goal_id, make_task, task_id
from envs.world import World
from fmbench.evaluation.outside import OutsideCheckpoint, OutsidePolicy
from fmbench.rl.agents import Agent, TrainingRequest
from fmbench.rl.checkpoints import ACTING, AgentFacts, AgentTraining
from fmbench.rl.loading import acting_parameters
from fmbench.runs.run_folder import BEFORE_AGENTS
from fmbench.sb3_agent import SB3Agent
from fmbench.storage.stamps import merge
from policies.actor import INFERENCE_ROWS

Finished: TypeAlias = tuple[AgentTraining, AgentFacts]
"""A finished training, and the facts of its checkpoint."""
NETWORK = "sb3-mlp"
COLOURS = {"sb3-ppo": "#DDCC77", "sb3-sac-her": "#6699CC", "sb3-sac-her-demos": "#44AA99"}


def outside_policy(
    request: TrainingRequest, finished: Sequence[Finished], demos: int
) -> OutsidePolicy:
    """Return the agents of several seeds as one policy of the harness.

    Args:
        request: A training of it.
        finished: One training per seed, from seed 0 on.
        demos: Demonstrations from which they have learnt.
    """
    recipe, kind = request.kind.recipe, request.kind
    environment = goal_id(request.task) if kind.needs_goal else task_id(request.task)
    horizons = {"obs_horizon": 1, "pred_horizon": 1, "exec_horizon": 1}
    steps = [int(training.agent.num_timesteps) for training, _ in finished]  # differ by --minutes
    codes = [merge(facts.made_with) for _, facts in finished]
    return OutsidePolicy(
        name=request.policy,
        label=f"{kind.label} from demonstrations" if demos else kind.label,
        colour=COLOURS[request.policy],
        task=request.task,
        checkpoints=[_checkpoint(training, facts) for training, facts in finished],
        backbone=NETWORK,
        demos=demos,
        demonstrations=request.demonstrations,
        settings={
            **horizons,
            **recipe,
            "updates": _updates(finished[0][0]),
            "environment_steps": steps[0],
            "num_envs": request.num_envs,
        },
        facts={
            "library": f"stable-baselines3 {version('stable-baselines3')}",
            "algorithm": request.algorithm,
            "environment": environment,
            **{f"training code {k}": code.code_hash for k, code in enumerate(codes)},
            **{f"environment steps {k}": count for k, count in enumerate(steps)},
        },
        keeps=BEFORE_AGENTS,
    )


def _checkpoint(training: AgentTraining, facts: AgentFacts) -> OutsideCheckpoint:
    agent, task, has_goal = training.agent, training.request.task, training.request.kind.needs_goal

    def acting(world: World) -> SB3Agent:
        return _acting(agent, world if has_goal else None)

    def alone() -> SB3Agent:
        world = World(make_task(task), 1)
        world.reset(world.all_rows, np.zeros(1, dtype=np.int64))
        return _acting(agent, world if has_goal else None, batch=1)

    return OutsideCheckpoint(
        make=alone,
        make_in=acting,
        weights=facts.sha256[ACTING],
        parameters=acting_parameters(agent),
        updates=_updates(training),
        training_time_s=training.seconds,
        learning=[(p.steps, p.success, p.episode_return) for p in training.log],
    )


def _acting(agent: Agent, world: World | None, batch: int = INFERENCE_ROWS) -> SB3Agent:
    prepare = agent.get_vec_normalize_env().normalize_obs
    return SB3Agent(agent, world=world, prepare=prepare, batch=batch)


def _updates(training: AgentTraining) -> int:
    """Return the gradient steps of a training; PPO counts passes over its rollouts."""
    request, passes = training.request, int(training.agent._n_updates)
    if request.kind.needs_goal:
        return passes
    size = request.rollout * request.num_envs
    return passes * -(-size // int(request.kind.recipe["batch_size"]))
