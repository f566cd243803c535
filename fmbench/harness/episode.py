"""The result of one counted episode, and its trajectory."""

from dataclasses import dataclass, field

from envs.task import FloatArray
from fmbench.harness.chunks import Float32Array


@dataclass
class Trajectory:
    """The trajectory of one episode of T control steps.

    Attributes:
        observations: `(T + 1, obs_dim)` float32.
        actions: The policy's commands, `(T, act_dim)` float32.
        executed: The executed actions, `(T, act_dim)` float32.
        rewards: `(T,)`.
    """

    observations: Float32Array
    actions: Float32Array
    executed: Float32Array
    rewards: FloatArray


@dataclass
class Episode:
    """The result of one counted episode.

    Attributes:
        episode_seed: Its seed.
        success: Whether the task's condition was held long enough: the benchmark's success.
        success_any: Whether the condition was met at some control step.
        success_end: Whether the condition was met at the last control step.
        progress: Progress at the end, in [0, 1].
        episode_return: Sum of rewards.
        length: Number of control steps.
        time_to_success_s: Time at which the success was complete, or None.
        mode: Name of the mode of the solution, or "".
        decisions: Number of decisions of the policy.
        nfe: Mean number of network evaluations per decision.
        action_smoothness: Mean absolute second difference of the commands; smaller is smoother.
        sim_unstable: Whether the simulation diverged (a failure).
        error: The error of the policy (a failure), or "".
        boundary_jump: Mean distance of successive chunks where one takes over; see `Chunks`.
        jerk: Mean absolute third difference of the commands.
        peak_contact_force: Largest normal force of a single contact of the hand [N], if measured.
        drops: How often an object that the hand carried was lost; None where there is none.
        stage: The furthest stage of the task that was reached; "" for a task without stages.
        stages_reached: Its number, 0 for the start; None for a task without stages.
        trajectory: The trajectory, if requested.
    """

    episode_seed: int
    success: bool = False
    success_any: bool = False
    success_end: bool = False
    progress: float = 0.0
    episode_return: float = 0.0
    length: int = 0
    time_to_success_s: float | None = None
    mode: str = ""
    decisions: int = 0
    nfe: float = 0.0
    action_smoothness: float = 0.0
    sim_unstable: bool = False
    error: str = ""
    boundary_jump: float | None = None
    jerk: float = 0.0
    peak_contact_force: float | None = None
    drops: int | None = None
    stage: str = ""
    stages_reached: int | None = None
    trajectory: Trajectory | None = field(default=None, repr=False)
