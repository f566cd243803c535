"""Add tasks, policies and networks of your own to a run, from your own file."""

from collections.abc import Callable

from torch import nn

from envs.experts.base import Expert
from envs.registry import add_task
from envs.task import Task
from policies.backbones import add_backbone
from policies.backbones.shape import NetworkShape
from policies.objectives import add_objective
from policies.objectives.base import Objective


def register_task(task: type[Task], expert: type[Expert]) -> None:
    """Make a task and its expert known by the task's name.

    Raises:
        ValueError: Another task has that name.
    """
    add_task(task, expert)


def register_policy(
    name: str,
    objective: type[Objective],
    label: str = "",
    colour: str = "",
    place: int | None = None,
) -> None:
    """Make an objective known as a policy called `name`.

    A run writes label, colour and place into its folder, so that it can be redrawn without this.

    Args:
        name: Its name on the command line and in rows.
        objective: Its class; states `predictions`, `limits` and `default_sampler`.
        label: What tables and figures call it; empty is its name.
        colour: In figures, "#rrggbb"; empty is one that the suite does not use.
        place: Rank in tables and figures; the suite has 10, 20 and so on. None is after all others.

    Raises:
        ValueError: Another policy has that name, or a fact is missing or impossible.
    """
    add_objective(name, objective, label, colour, place)


def register_backbone(
    name: str,
    build: Callable[[NetworkShape], nn.Module],
    conditionings: tuple[str, ...] = ("concat",),
    sizes: dict[str, tuple[int, int]] | None = None,
    depth: int | None = None,
) -> None:
    """Make a network known as a backbone called `name`.

    Args:
        name: Its name on the command line and in checkpoints.
        build: Its class, or a function that builds it. The network's ``forward(noisy_actions (B,
            pred_horizon, act_dim), time (B,) or (B, 2), condition (B, condition_dim))`` returns
            ``(B, pred_horizon, shape.output_dim)``.
        conditionings: Those it takes, its usual one first: "concat", "film" or both.
        sizes: Width and depth of each `--size`; None is as many parameters as the MLP of that size.
        depth: Its depth at every size, where the width is found so; None is that of the MLP.

    Raises:
        ValueError: Another backbone has that name, or a value is impossible.
    """
    add_backbone(name, build, conditionings, sizes, depth)
