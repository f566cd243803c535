"""The classes that are put on every described hand."""

from envs.entries import TaskEntry

ON_HAND: dict[str, TaskEntry] = {
    "ReachPose": TaskEntry(
        "envs.tasks.on_hand.reach_pose:ReachPoseOnHand",
        "envs.experts.on_hand.reach_pose:ReachPoseOnHandExpert",
        horizon=60,
        has_goal=True,
    ),
    "PressEither": TaskEntry(
        "envs.tasks.on_hand.press_either:PressEitherOnHand",
        "envs.experts.on_hand.press_either:PressEitherOnHandExpert",
        horizon=80,
    ),
    "PressChord": TaskEntry(
        "envs.tasks.on_hand.press_chord:PressChordOnHand",
        "envs.experts.on_hand.press_chord:PressChordOnHandExpert",
        horizon=100,
    ),
}
"""The classes that `envs.registry.add_hand_tasks` puts on a hand, by the task's name without it."""
