"""Which tasks there are on which described hand."""

from envs.hand.catalogue import HANDS as HANDS
from envs.hand.catalogue import find_hand
from envs.names import on_hand as on_hand
from envs.names import unknown
from envs.registry import ON_HAND, TASKS, make_expert, make_task, suite


def task_on_hand(name: str, hand: str) -> str:
    """Return the name of a task on a hand; on the fmbench hand it is the task itself.

    Raises:
        ValueError: There is no such hand, or no such pair; the message lists those that exist.
    """
    if hand not in HANDS:
        raise unknown("hand", hand, HANDS)
    pairs = {other: on_hand(name, other) for other in HANDS if on_hand(name, other) in TASKS}
    if name in TASKS and not TASKS[name].hand and TASKS[name].extra != "adroit":
        pairs = {"fmbench": name, **pairs}
    if not pairs:
        raise unknown("task", name, sorted({*ON_HAND, *suite()}))
    if hand not in pairs:
        tasks = ", ".join(task for task in ON_HAND if on_hand(task, hand) in TASKS)
        raise ValueError(
            f"there is no {name} on the hand {hand}: it has {tasks}; {name} is there on "
            f"{', '.join(pairs)}"
        )
    return pairs[hand]


def check_hand(name: str) -> None:
    """Check that the hand of a registered task can be loaded; its model is downloaded if need be.

    A hand that a user has registered must also fit the task, and its expert.

    Raises:
        ValueError: Its model is missing, damaged or does not fit; the message states what to do.
    """
    entry = TASKS[name]
    if entry.hand:
        from envs.hand.loading import load_hand

        load_hand(find_hand(entry.hand))
        if not entry.extra:
            from envs.world import World

            make_expert(World(make_task(name), 1, 1))
