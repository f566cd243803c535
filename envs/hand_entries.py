"""The classes that are put on described hands."""

from envs.entries import TaskEntry


def _on_hand(name: str, module: str, horizon: int, has_goal: bool = False) -> TaskEntry:
    place = f"on_hand.{module}:{name}OnHand"
    expert = f"envs.experts.{place}Expert"
    return TaskEntry(f"envs.tasks.{place}", expert, horizon, has_goal=has_goal)


ON_HAND: dict[str, TaskEntry] = {
    "ReachPose": _on_hand("ReachPose", "reach_pose", horizon=60, has_goal=True),
    "PressEither": _on_hand("PressEither", "press_either", horizon=80),
    "PressChord": _on_hand("PressChord", "press_chord", horizon=100),
    "TurnDial": _on_hand("TurnDial", "turn_dial", horizon=200, has_goal=True),
    "RotateCube": _on_hand("RotateCube", "rotate_cube", horizon=200, has_goal=True),
    "LiftCube": _on_hand("LiftCube", "lift_cube", horizon=150, has_goal=True),
    "PickEither": _on_hand("PickEither", "pick_either", horizon=120),
    "PlaceCube": _on_hand("PlaceCube", "place_cube", horizon=150, has_goal=True),
    "RelocateBall": _on_hand("RelocateBall", "relocate_ball", horizon=150, has_goal=True),
    "InsertPeg": _on_hand("InsertPeg", "insert_peg", horizon=200, has_goal=True),
    "AvoidPost": _on_hand("AvoidPost", "avoid_post", horizon=150, has_goal=True),
}
"""The classes that `envs.registry.add_hand_tasks` puts on a hand, by the task's name without it."""
LEFT_OUT: dict[str, tuple[str, ...]] = {
    "AvoidPost": ("shadow", "allegro"),
    "RotateCube": ("allegro", "leap"),
}
"""Hands on which no expert solves a task often enough; docs/hands.md has the reasons."""
