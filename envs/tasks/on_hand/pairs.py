"""Make the task of one hand from a class that serves all hands."""

from typing import Any

from envs.hand.catalogue import find_hand
from envs.hand.loading import load_hand
from envs.names import on_hand
from envs.tasks.on_hand.base import TaskOnHand


def put_on(kind: type[TaskOnHand], hand: str) -> type[TaskOnHand]:
    """Return a class of `envs.tasks.on_hand` as the task of one hand, whose model is loaded.

    Raises:
        ValueError: There is no such hand, or its model is missing, damaged or does not fit.
    """
    loaded = load_hand(find_hand(hand))
    members: dict[str, Any] = {"described": loaded.hand, "name": on_hand(kind.name, hand)}
    members |= kind.sizes(loaded) | {"cameras": kind.views(loaded)}
    return type(members["name"], (kind,), members)
