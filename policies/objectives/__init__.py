"""Objectives: training losses with their samplers, most of them for the same network.

To add one to the suite, subclass `policies.objectives.base.Objective` and add an entry to
`policies.catalogue`. `add_objective` registers one outside the suite.
"""

import re
from collections.abc import Mapping

from policies.catalogue import MORE_COLOURS, POLICIES, PolicyEntry
from policies.objectives.base import Objective
from policies.objectives.options import ObjectiveOptions
from policies.registry import check_new_name, load, lookup

_ADDED: dict[str, type[Objective]] = {}
"""Classes registered by `add_objective`; they need not be importable."""


def load_objective(name: str) -> type[Objective]:
    """Return the class of the objective called `name`.

    Raises:
        ValueError: The name is unknown.
    """
    entry = lookup("objective", name, POLICIES)
    objective: type[Objective] = _ADDED.get(name) or load(entry.target, entry.extra)
    return objective


def make_objective(
    name: str,
    prediction: str,
    chunk_shape: tuple[int, int],
    options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
) -> Objective:
    """Build the objective called `name`.

    Args:
        name: A key of `policies.catalogue.POLICIES`.
        prediction: What the network predicts, one of the objective's `predictions`.
        chunk_shape: `(pred_horizon, act_dim)`.
        options: Options of the objective.

    Raises:
        ValueError: The name or the prediction is unknown.
    """
    return load_objective(name)(prediction, chunk_shape, options)


def add_objective(
    name: str,
    objective: type[Objective],
    label: str = "",
    colour: str = "",
    place: int | None = None,
    files: Mapping[str, str] | None = None,
) -> None:
    """Register an objective in the catalogue, with the properties that its class defines.

    Args:
        name: Its name.
        objective: Its class; must define `predictions`, `limits` and `default_sampler`.
        label: Label in tables and figures; empty is its name.
        colour: Colour in figures, "#rrggbb"; empty is one that the suite does not use.
        place: Rank in tables and figures; the suite uses 10, 20, ... None is after all others.
        files: The files that define it, as in its entry.

    Raises:
        ValueError: The name is taken or not accepted, or a property is missing or invalid.
    """
    check_new_name("policy", name, POLICIES)
    required = ("predictions", "limits", "default_sampler")
    missing = [attribute for attribute in required if not hasattr(objective, attribute)]
    if missing := missing + sorted(objective.__abstractmethods__):
        raise ValueError(f"{objective.__name__} lacks {', '.join(missing)}; define each of them")
    for sampler in objective.limits:
        check_new_name("sampler", sampler)
    lookup(f"default_sampler of {objective.__name__}", objective.default_sampler, objective.limits)
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ValueError(f"colour is {colour!r}; give one as '#rrggbb'")
    last = max(entry.place for entry in POLICIES.values())
    POLICIES[name] = PolicyEntry(
        f"{objective.__module__}:{objective.__qualname__}",
        objective.predictions,
        dict(objective.limits),
        objective.default_sampler,
        last + 10 if place is None else place,
        colour or MORE_COLOURS[len(_ADDED) % len(MORE_COLOURS)],
        label,
        objective.planned,
        objective.reads,
        dict(objective.least),
        objective.teacher,
        objective.shares,
        objective.trains,
        objective.draws,
        objective.denoises,
        files=dict(files or {}),
    )
    _ADDED[name] = objective
