"""Registration of a user's own tasks, policies, backbones, encoders and axes, from their own file.

Commands load that file with `--plugin FILE`.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from torch import nn

from envs.experts.base import Expert
from envs.hand.catalogue import add_hand
from envs.hand.description import Hand
from envs.hashing.sources import PROJECT, find_source
from envs.perturb.axis import Axis
from envs.perturb.catalogue import add_axis
from envs.registry import add_hand_tasks, add_task, register_ids
from envs.stages.catalogue import add_stages
from envs.stages.declaration import Stages, T
from envs.task import Task
from fmbench.cli.plugin_files import absolute, loading
from fmbench.config import ALL_TASKS
from fmbench.storage.hashes import sha256_file
from fmbench.storage.rows import REFERENCES
from policies.backbones import add_backbone
from policies.backbones.shape import NetworkShape
from policies.catalogue import RECIPE, Recipe
from policies.encoders import EncoderOptions, PictureEncoder, PictureShape, add_encoder
from policies.encoders.own import Features, built_from
from policies.objectives import add_objective
from policies.objectives.base import Objective


def register_task(task: type[Task], expert: type[Expert]) -> None:
    """Register a task and its expert under the task's name.

    Raises:
        ValueError: Another task has that name, the name is not accepted, or a class is not at the
            top level of a file.
    """
    _check_meaning("task", task.name, (ALL_TASKS,))
    add_task(task, expert, _files(_caller(), task, expert))


def register_stages(task: type[T], stages: Stages[T]) -> None:
    """Register the stages of a task, by which rows state how far an episode came.

    Args:
        task: The task.
        stages: Its stages, and where the objects are that its hand carries.

    Raises:
        ValueError: The task has stages already.
    """
    add_stages(task, stages)


def register_hand(hand: Hand) -> None:
    """Register a hand, and the tasks of `envs.registry.ON_HAND` on it.

    Args:
        hand: Its description, a variable at the top level of the calling file. Its model is loaded
            when one of its tasks is made.

    Raises:
        ValueError: Another hand has its name, the name is not accepted, or the description is not
            at the top level of a file.
    """
    scope = sys._getframe(1).f_globals
    name = next((name for name, value in scope.items() if value is hand), "")
    add_hand(f"{scope['__name__']}:{name}")
    add_hand_tasks(hand.name, files=_files(_caller()))
    register_ids()


def register_policy(
    name: str,
    objective: type[Objective],
    label: str = "",
    colour: str = "",
    place: int | None = None,
) -> None:
    """Register an objective as the policy `name`.

    A run stores label, colour and place, so that it can be redrawn without this registration.

    Args:
        name: The policy's name on the command line and in rows.
        objective: The class; it defines `predictions`, `limits` and `default_sampler`.
        label: Its name in tables and figures; empty for `name`.
        colour: Its colour in figures, `"#rrggbb"`; empty for one that no built-in policy has.
        place: Its rank in tables and figures; built-in policies have 10, 20, ...; None for last.

    Raises:
        ValueError: Another policy has that name, or a value is missing or invalid.
    """
    _check_meaning("policy", name, REFERENCES)
    add_objective(name, objective, label, colour, place, _files(_caller(), objective))


def register_backbone(
    name: str,
    build: Callable[[NetworkShape], nn.Module],
    conditionings: tuple[str, ...] = ("concat",),
    sizes: dict[str, tuple[int, int]] | None = None,
    depth: int | None = None,
    recipe: Recipe = RECIPE,
) -> None:
    """Register a network as the backbone `name`.

    Args:
        name: The backbone's name on the command line and in checkpoints.
        build: The class, or a function that builds the network. Its `forward(noisy_actions, time,
            condition)` takes `(B, pred_horizon, act_dim)`, `(B,)` or `(B, 2)`, and
            `(B, condition_dim)`; it returns `(B, pred_horizon, shape.output_dim)`.
        conditionings: The accepted ones, the default first: "concat", "film" or both.
        sizes: Width and depth of each `--size`; None for the MLP's number of parameters.
        depth: Depth at every size if `sizes` is None; None for the MLP's depth.
        recipe: Learning rate, warm-up, decays, and where it has them conditioning, widths and
            depths of a run that does not state them; `policies.catalogue.RECIPE`, that of the MLP,
            if it has none of its own. `python -m fmbench.tune --plugin FILE` searches one.

    Raises:
        ValueError: Another backbone has that name, or a value is invalid.
    """
    add_backbone(name, build, conditionings, sizes, depth, _files(_caller(), build), recipe)


def register_encoder(
    name: str,
    features: Features | None = None,
    *,
    build: Callable[[PictureShape, EncoderOptions], PictureEncoder] | None = None,
    frozen: bool = True,
    reads: tuple[str, ...] = ("features",),
) -> None:
    """Register features of pictures, or a network that gives them, as the encoder `name`.

    Args:
        name: The encoder's name on the command line (`--encoder`) and in checkpoints.
        features: A function that maps pictures `(N, cameras, H, W, 3)` uint8, a tensor, to
            `(N, k)` finite numbers, a tensor or an array, each row by itself. They are computed
            once and stored; a linear layer that is trained with the policy maps them to
            `--features` numbers in all.
        build: Instead of `features`: a class derived from `policies.encoders.PictureEncoder`
            (trained with the policy) or `FrozenEncoder`, or a function that builds one.
        frozen: Whether the function `build` builds a `FrozenEncoder`; a class says so itself.
        reads: The options that `build` uses, fields of `policies.encoders.EncoderOptions`:
            "features" and "head", and any others if it is frozen.

    Raises:
        ValueError: Another encoder has that name, or a value is missing or invalid.
    """
    _check_encoder(name, features, build, frozen, reads)
    made = build if features is None else built_from(features)
    assert made is not None
    files = _files(_caller(), build if features is None else features)
    add_encoder(name, made, "", frozen, reads, files)


def register_axis(
    name: str,
    axis: type[Axis],
    text: str,
    levels: tuple[float, ...],
    least: float,
    most: float,
    sees: bool = False,
) -> None:
    """Register a disturbance as the axis `name` of `python -m fmbench.evaluate RUN --perturb`.

    Args:
        name: The axis's name on the command line and in rows.
        axis: The class.
        text: What a level means, in a few words.
        levels: Levels that `--help` suggests, increasing.
        least: Least accepted level.
        most: Largest accepted level.
        sees: Whether it changes observations only; an expert is then not evaluated with it, nor
            is a policy that sees pictures.

    Raises:
        ValueError: Another axis has that name, or a value is missing or invalid.
    """
    add_axis(name, axis, text, levels, (least, most), sees, _files(_caller(), axis))


def _check_encoder(
    name: str, features: object, build: object, frozen: bool, reads: tuple[str, ...]
) -> None:
    """Reject values of `register_encoder` that do not fit each other."""
    encoder = f"the encoder {name!r}"
    if (features is None) == (build is None):
        number = "neither" if features is None else "both"
        raise ValueError(f"{encoder} has {number} of features and build; give one of them")
    kind, given = ("build", build) if features is None else ("features", features)
    if not callable(given):
        raise ValueError(f"{kind} of {encoder} is {repr(given)[:80]}; give a function")
    if isinstance(features, type):
        raise ValueError(f"features of {encoder} is a class, {features.__name__}; give it as build")
    if build is None and (not frozen or reads != ("features",)):
        raise ValueError(f"{encoder} has features and frozen or reads, which belong to build")


def _check_meaning(kind: str, name: str, taken: tuple[str, ...]) -> None:
    """Reject a name that stands for something else on command lines or in tables."""
    if name in taken:
        raise ValueError(
            f"the name of the {kind} is {name!r}, which has a meaning of its own; choose another"
        )


def _caller() -> str | None:
    """Return the file whose code calls the function that calls this one; None in a notebook."""
    file: str | None = sys._getframe(2).f_globals.get("__file__")
    return file


def _files(caller: str | None, *objects: object) -> Mapping[str, str]:
    """Return the user's files that define some objects, each with the sha256 of its bytes.

    The first is the file that a command needs to register them again: that of `--plugin` while it
    is loaded, else the one that calls. Those of their classes and base classes follow.
    """
    loaded = loading()
    paths = [] if loaded or not caller else [caller]
    for each in objects:
        for part in _definitions(each):
            module = str(part.__module__)
            source = None if module.partition(".")[0] in PROJECT else find_source(module)
            paths += [str(source.path)] if source else []
    files = dict([loaded] if loaded else [])
    for path in map(absolute, paths):
        if path not in files and Path(path).is_file():
            files[path] = sha256_file(Path(path))
    return files


def _definitions(given: object) -> tuple[object, ...]:
    """Return a function, or a class and its base classes, that define a function or an object."""
    while isinstance(given, partial):
        given = given.func
    if isinstance(given, type):
        return given.__mro__
    return (given,) if hasattr(given, "__qualname__") else type(given).__mro__
