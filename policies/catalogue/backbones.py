"""Backbones: how each is conditioned, and its sizes."""

from dataclasses import dataclass, field

CONDITIONINGS = ("film", "concat")
"""Observations modulate every block ("film": FiLM, adaLN) or join the inputs ("concat")."""
SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the MLP with "concat"; all other networks match its parameter count."""


@dataclass(frozen=True)
class BackboneEntry:
    """A network architecture.

    Attributes:
        target: Its class, built from a `policies.backbones.shape.NetworkShape`.
        conditioning: Its default conditioning.
        conditionings: The conditionings it accepts, of `CONDITIONINGS`.
        depth: Its depth at every size; None is the depth of the size.
        sizes: Width and depth at each of `SIZES`; empty matches the parameters of the MLP.
        extra: The optional dependency group it needs, or "".
        files: A user's files that define it, as in `PolicyEntry`.
    """

    target: str
    conditioning: str
    conditionings: tuple[str, ...] = CONDITIONINGS
    depth: int | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    extra: str = ""
    files: dict[str, str] = field(default_factory=dict)


BACKBONES: dict[str, BackboneEntry] = {
    "mlp": BackboneEntry("policies.backbones.mlp:ResidualMLP", "concat", sizes=SIZES),
    "dit": BackboneEntry("policies.backbones.dit:DiT", "film"),
    # One block at each resolution and side, at every size: see `policies.backbones.unet.UNet`.
    "unet": BackboneEntry("policies.backbones.unet:UNet", "film", depth=1),
}
