"""Backbones: networks that map a noisy chunk, a time and a condition to a chunk.

To add one to the suite, write its module and add an entry to `policies.catalogue.backbones`.
`add_backbone` registers one outside the suite. The meaning of a width differs between backbones;
`policies.backbones.sizes` chooses widths with about the same number of parameters.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from torch import nn

from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, CONDITIONINGS, RECIPE, SIZES, BackboneEntry, Recipe
from policies.registry import check_new_name, load, lookup, unknown_name

_ACCEPTED: dict[str, tuple[Callable[[float], bool], str]] = {
    "learning_rate": (lambda value: 0 < value < math.inf, "a number above 0"),
    "warmup_updates": (lambda value: value >= 0 and type(value) is int, "a whole number from 0"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "a number of at least 0"),
    "ema_decay": (lambda value: 0 <= value < 1, "a number of at least 0 and below 1"),
}
"""Which numbers a recipe may have, as the flags of a run."""
Build: TypeAlias = Callable[[NetworkShape], nn.Module]
"""Builds a network; its `forward` is described at `make_backbone`."""

_ADDED: dict[str, Build] = {}
"""Backbones registered by `add_backbone`; they need not be importable."""


def make_backbone(name: str, shape: NetworkShape) -> nn.Module:
    """Build the backbone called `name`.

    Args:
        name: A key of `policies.catalogue.BACKBONES`.
        shape: Shape of the network; an empty conditioning is the backbone's default.

    Returns:
        A module with `forward(noisy_actions (B, pred_horizon, act_dim), time (B,) or (B, 2),
        condition (B, condition_dim)) -> (B, pred_horizon, outputs)`.

    Raises:
        ValueError: The name is unknown, or the backbone does not accept the conditioning.
    """
    conditioning = resolve_conditioning(name, shape.conditioning)
    entry = BACKBONES[name]
    build: Build = _ADDED.get(name) or load(entry.target, entry.extra)
    return build(replace(shape, conditioning=conditioning))


def resolve_conditioning(backbone: str, conditioning: str) -> str:
    """Return the conditioning of a backbone: how observations reach it.

    Args:
        backbone: A key of `policies.catalogue.BACKBONES`.
        conditioning: One of those in its entry; empty is the backbone's default.

    Raises:
        ValueError: The backbone is unknown, or does not accept the conditioning.
    """
    entry = lookup("backbone", backbone, BACKBONES)
    if conditioning and conditioning not in entry.conditionings:
        raise unknown_name(f"conditioning of {backbone}", conditioning, entry.conditionings)
    return conditioning or entry.conditioning


def add_backbone(
    name: str,
    build: Build,
    conditionings: tuple[str, ...] = ("concat",),
    sizes: dict[str, tuple[int, int]] | None = None,
    depth: int | None = None,
    files: Mapping[str, str] | None = None,
    recipe: Recipe = RECIPE,
) -> None:
    """Register a backbone in the catalogue.

    Args:
        name: Its name.
        build: Its class, or a function that builds it.
        conditionings: Those it accepts of `policies.catalogue.CONDITIONINGS`, its default first.
        sizes: Width and depth at each size; None matches the parameters of the MLP.
        depth: Its depth at every size if the width is matched; None is the depth of the size.
        files: The files that define it, as in its entry.
        recipe: How it is trained unless a run says otherwise; the default is that of the MLP.

    Raises:
        ValueError: The name is taken or not accepted, or a value is invalid.
    """
    check_new_name("backbone", name, BACKBONES)
    if not conditionings:
        raise ValueError(f"conditionings is empty; give some of {', '.join(CONDITIONINGS)}")
    for conditioning in conditionings:
        lookup("conditioning", conditioning, dict.fromkeys(CONDITIONINGS))
    if sizes is not None:
        _check_sizes(sizes, f"the backbone {name!r}")
        if set(sizes) != set(SIZES):
            raise ValueError(f"sizes has {', '.join(sizes)}; give {', '.join(SIZES)}")
    recipe = _checked_recipe(name, recipe, conditionings)
    target = f"{build.__module__}:{getattr(build, '__qualname__', name)}"
    BACKBONES[name] = BackboneEntry(
        *(target, conditionings[0], conditionings, depth, sizes or {}, recipe),
        files=dict(files or {}),
    )
    _ADDED[name] = build


def _checked_recipe(backbone: str, recipe: object, conditionings: tuple[str, ...]) -> Recipe:
    """Return a recipe with numbers of the types that flags have, which a run's hash depends on.

    Raises:
        ValueError: It is none, or a value is not accepted.
    """
    where = f"the recipe of the backbone {backbone!r}"
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{where} is {repr(recipe)[:80]}; give a policies.catalogue.Recipe")
    for name, (accepts, words) in _ACCEPTED.items():
        value = getattr(recipe, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not accepts(value):
            raise ValueError(f"{name} in {where} is {repr(value)[:80]}; give {words}")
    if recipe.conditioning is not None:
        lookup(f"conditioning in {where}", recipe.conditioning, dict.fromkeys(conditionings))
    if recipe.sizes is not None:
        _check_sizes(recipe.sizes, where)
    return recipe._replace(
        learning_rate=float(recipe.learning_rate),
        weight_decay=float(recipe.weight_decay),
        ema_decay=float(recipe.ema_decay),
    )


def _check_sizes(sizes: object, where: str) -> None:
    """Reject sizes that are not a dictionary of widths and depths.

    Raises:
        ValueError: They are not.
    """
    if not isinstance(sizes, dict):
        raise ValueError(f"sizes in {where} is {repr(sizes)[:80]}; give a dict or None")
    for size, pair in sizes.items():
        lookup(f"size in {where}", size, SIZES)
        is_pair = isinstance(pair, tuple) and len(pair) == 2
        if not is_pair or not all(type(number) is int and number > 0 for number in pair):
            raise ValueError(f"{size} in {where} is {pair}; give width and depth, whole numbers")
