"""Backbones: how each is conditioned, its sizes, and the recipe that trains it."""

from dataclasses import dataclass, field
from typing import NamedTuple

CONDITIONINGS = ("film", "concat")
"""Observations modulate every block ("film": FiLM, adaLN) or join the inputs ("concat")."""
SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the MLP with "concat"; all other networks match its parameter count."""


class Recipe(NamedTuple):
    """How a backbone is trained, the same for all objectives; the defaults are those of the MLP.

    A run takes the values that its command line does not state, and writes them down: a recipe that
    changes later belongs to other configurations. `python -m fmbench.tune` searches them.

    Attributes:
        learning_rate: Peak learning rate.
        warmup_updates: Updates in which the learning rate rises to its peak.
        weight_decay: Weight decay of AdamW.
        ema_decay: Largest decay of the averaged weights.
        conditioning: How observations reach the network; None for the backbone's default.
        sizes: Width and depth at some of `SIZES`, with this conditioning; None for those of the
            backbone.
    """

    learning_rate: float = 1e-3
    warmup_updates: int = 200
    weight_decay: float = 1e-4
    ema_decay: float = 0.999
    conditioning: str | None = None
    sizes: dict[str, tuple[int, int]] | None = None


RECIPE = Recipe()


@dataclass(frozen=True)
class BackboneEntry:
    """A network architecture.

    Attributes:
        target: Its class, built from a `policies.backbones.shape.NetworkShape`.
        conditioning: Its default conditioning.
        conditionings: The conditionings it accepts, of `CONDITIONINGS`.
        depth: Its depth at every size; None is the depth of the size.
        sizes: Width and depth at each of `SIZES`; empty matches the parameters of the MLP.
        recipe: How it is trained unless a run says otherwise.
        extra: The optional dependency group it needs, or "".
        files: A user's files that define it, as in `PolicyEntry`.
    """

    target: str
    conditioning: str
    conditionings: tuple[str, ...] = CONDITIONINGS
    depth: int | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    recipe: Recipe = RECIPE
    extra: str = ""
    files: dict[str, str] = field(default_factory=dict)


BACKBONES: dict[str, BackboneEntry] = {
    "mlp": BackboneEntry("policies.backbones.mlp:ResidualMLP", "concat", sizes=SIZES),
    "dit": BackboneEntry("policies.backbones.dit:DiT", "film"),
    # One block at each resolution and side, at every size: see `policies.backbones.unet.UNet`.
    "unet": BackboneEntry("policies.backbones.unet:UNet", "film", depth=1),
}
