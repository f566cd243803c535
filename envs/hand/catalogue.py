"""Names of hands: where each description is defined, imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from envs.names import check_new_name, unknown

if TYPE_CHECKING:  # registering the ids imports this
    from envs.hand.description import Hand

HANDS: dict[str, str] = {
    "fmbench": "envs.hand.own:FMBENCH",
    "shadow": "envs.hand.menagerie:SHADOW",
    "allegro": "envs.hand.menagerie:ALLEGRO",
    "leap": "envs.hand.menagerie:LEAP",
}
"""Name to place, "module:NAME", of every hand."""


def find_hand(name: str) -> Hand:
    """Return the description of a hand; its model is not loaded.

    Raises:
        ValueError: No hand has this name; the message lists the known ones and near matches.
    """
    if name not in HANDS:
        raise unknown("hand", name, HANDS)
    module, _, variable = HANDS[name].partition(":")
    hand: Hand = getattr(importlib.import_module(module), variable)
    return hand


def add_hand(place: str) -> Hand:
    """Register a hand under its name.

    Args:
        place: Where its description is defined at the top level of a file, "module:NAME".

    Raises:
        ValueError: The name is taken or not accepted, or nothing is there.
    """
    from envs.hand.description import Hand

    module, _, variable = place.partition(":")
    hand = getattr(importlib.import_module(module), variable, None)
    if not isinstance(hand, Hand):
        raise ValueError(
            f"{place} is no description of a hand; define it at the top level of a file: "
            f"{variable or 'MINE'} = Hand(...)"
        )
    check_new_name("hand", hand.name, HANDS)
    HANDS[hand.name] = place
    return hand
