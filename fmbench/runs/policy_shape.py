"""The configuration of the policy that a run trains on a task: sizes, names, and what it sees."""

from typing import Any

from envs.registry import make_task
from fmbench.config import RunConfig
from fmbench.sight.opening import Sight
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.catalogue import BACKBONES, POLICIES
from policies.chunk_policy import ChunkPolicyConfig
from policies.training_rows import rows_per_window


def policy_config(
    config: RunConfig, task: str, policy: str, sight: Sight | None = None
) -> ChunkPolicyConfig:
    """Return the configuration of the policy that a run trains on a task.

    Args:
        config: The run.
        task: Name of the task.
        policy: Name of the objective.
        sight: What the policy sees with; None if it observes the state.
    """
    dims = make_task(task)
    shape = _shape(config, task, sight)
    return ChunkPolicyConfig(
        obs_dim=sight.agent_dim + sight.seen_dim if sight else dims.obs_dim,
        act_dim=dims.act_dim,
        obs_horizon=config.obs_horizon,
        pred_horizon=config.pred_horizon,
        objective=policy,
        prediction=config.prediction,
        backbone=config.backbone,
        width=config.width or shape.width,
        depth=config.depth or shape.depth,
        conditioning=shape.conditioning,
        time_sampling=config.time_sampling,
        pairing=config.pairing,
        schedule=config.schedule,
        meanflow=config.meanflow,
        training_samples=config.training_samples,
        prefix=config.train_delay if POLICIES[policy].trains else 0,
        **(_sight_values(config, sight) if sight else {}),
    )


def updates_of(config: RunConfig, shape: ChunkPolicyConfig) -> int:
    """Return the updates of a policy's training, at least 1.

    With a budget of rows, all policies evaluate as many rows of the network as one that has one
    row per window, e.g. a flow. The training of a teacher is not included.

    Args:
        config: The run.
        shape: The policy.
    """
    if config.budget == "updates":
        return config.updates
    rows = rows_per_window(shape, config.batch_size)
    return max(1, round(config.updates / rows)) if rows else config.updates


def matched_width(config: RunConfig, task: str, depth: int) -> int:
    """Return the width at a depth for which the network has about as many parameters as the MLP.

    Args:
        config: The run; its backbone, size and conditioning count.
        task: The task whose observations and actions the network has.
        depth: The depth.
    """
    return _shape(config, task, None, depth).width


def _shape(
    config: RunConfig, task: str, sight: Sight | None, at_depth: int | None = None
) -> NetworkShape:
    """Return the shape of a run's network, if its configuration states no width and no depth."""
    dims = make_task(task)
    condition_dim = sight.agent_dim + sight.encoder.feature_dim if sight else dims.obs_dim
    shape = NetworkShape(
        dims.act_dim,
        config.pred_horizon,
        config.obs_horizon * condition_dim + config.train_delay * (dims.act_dim + 1),
        conditioning=config.conditioning or BACKBONES[config.backbone].conditioning,
    )
    return sized(shape, config.backbone, config.size, at_depth)


def _sight_values(config: RunConfig, sight: Sight) -> dict[str, Any]:
    """Return the values of a policy's configuration about what it sees."""
    shape, extractor = sight.encoder.shape, sight.extractor
    values = {
        "encoder": config.encoder,
        "seen_dim": sight.seen_dim,
        "cameras": shape.cameras,
        "image_size": shape.height,
    }
    if extractor is None:
        model = config.encoder_model or ""
        return {**values, "features": config.features, "head": config.head, "model": model}
    return {**values, "groups": extractor.head.cameras, "features": extractor.head.features}
