"""Encoders: from pictures, or from a window of numbers, to what conditions the backbone.

To add one to the suite, write its module and add an entry to `policies.catalogue.ENCODERS`.
`add_encoder` registers one outside the suite; `policies.encoders.own.CallableEncoder` makes one of
any function.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from policies.catalogue import ENCODERS, EncoderEntry
from policies.encoders.base import FrozenEncoder, PictureEncoder
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.encoders.window import WindowEncoder
from policies.registry import check_new_name, load, lookup

__all__ = [
    "EncoderOptions",
    "FrozenEncoder",
    "PictureEncoder",
    "PictureShape",
    "WindowEncoder",
    "add_encoder",
    "make_encoder",
]

Build: TypeAlias = Callable[[PictureShape, EncoderOptions], PictureEncoder]
"""Builds an encoder."""

_ADDED: dict[str, Build] = {}
"""Encoders registered by `add_encoder`; they need not be importable."""


def make_encoder(
    name: str,
    shape: PictureShape,
    options: EncoderOptions = EncoderOptions(),  # noqa: B008, it is frozen
) -> PictureEncoder:
    """Build the encoder called `name`.

    Args:
        name: A key of `policies.catalogue.ENCODERS`.
        shape: The shape of the pictures.
        options: Options; those that the encoder does not use have their defaults.

    Raises:
        ValueError: The name is unknown, an option is not used, the sizes or the weights do not fit,
            or an extra is missing.
    """
    entry = lookup("encoder", name, ENCODERS)
    options.check_read_by(name)
    build: Build = _ADDED.get(name) or load(entry.target, entry.extra)
    return build(shape, options)


def add_encoder(
    name: str,
    build: Build,
    description: str = "",
    frozen: bool = True,
    reads: tuple[str, ...] = ("features",),
    files: Mapping[str, str] | None = None,
) -> None:
    """Register an encoder in the catalogue.

    Args:
        name: Its name.
        build: A function that builds it, or its class.
        description: What it is, in one line.
        frozen: Whether it is a `FrozenEncoder`.
        reads: The options that it uses; each is a field of `EncoderOptions`.
        files: The files that define it, as in its entry.

    Raises:
        ValueError: The name is taken or not accepted, or an option is unknown.
    """
    check_new_name("encoder", name, ENCODERS)
    for option in reads:
        lookup("option of encoders", option, vars(EncoderOptions()))
    target = f"{build.__module__}:{getattr(build, '__qualname__', name)}"
    ENCODERS[name] = EncoderEntry(target, description, frozen, reads, files=dict(files or {}))
    _ADDED[name] = build
