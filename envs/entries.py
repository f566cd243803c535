"""What must be known about a task before its class is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TaskEntry:
    """Where a task and its expert are defined, and what its registration states.

    Attributes:
        task: The task class, "module:Class".
        expert: The expert class, "module:Class".
        horizon: The class's `horizon` [control steps].
        version: The class's `version`.
        extra: The installation extra that the task needs, or "".
        twin_of: The task of which this is a variant, or ""; "all" excludes variants.
        hand: The described hand that the class is put on, or ""; "all" excludes these tasks, whose
            models must be downloaded.
        has_goal: Whether the class is an `envs.goals.GoalTask`.
        is_sanity: Whether regression, flow and diffusion all reach the expert's success rate with
            200 demonstrations (`results/demonstrations`). Such a task is a sanity check and does
            not rank policies.
        files: A user's files that define it, each with the sha256 of its bytes, the one that
            registered it first; empty for built-in tasks.
    """

    task: str
    expert: str
    horizon: int
    version: int = 0
    extra: str = ""
    twin_of: str = ""
    hand: str = ""
    has_goal: bool = False
    is_sanity: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
