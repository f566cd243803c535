"""Names and properties of every policy, backbone, sampler and encoder, as plain data.

The catalogue is read without torch, also by command lines and reports. An entry's `target`,
"module:name", is imported on first use (`policies.registry.load`). To add an objective, a backbone,
a sampler or an encoder to the suite, write its module and add an entry here; classes outside the
suite are registered by `policies.objectives.add_objective`, `policies.backbones.add_backbone` and
`policies.encoders.add_encoder`. Small entries are named tuples to keep `--help` fast: creating a
dataclass takes three times as long.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

ADAPTIVE_STEPS = 0
"""The value of `steps` for an adaptive sampler, which chooses its steps itself."""
DIFFUSION_STEPS = 100
"""Number of diffusion steps K in training; DDPM takes all of them."""
SHORTCUT_STEPS = 64
"""Largest step count of the sampler `shortcut`, a power of two; 1 over it is the shortest step."""
TOLERANCE = 1e-3
"""Default `rtol` and `atol` of an adaptive sampler: 0.05 % of the range of a normalised action."""
GRIDS = ("uniform", "early", "late", "cosine")
"""Time grids of samplers with fixed steps, the default first."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "time_sampling": ("uniform", "logit_normal", "beta"),
    "pairing": ("independent", "optimal_transport"),
    "schedule": ("cosine", "linear"),
}
"""Options of objectives and their values, the default first."""
CONDITIONINGS = ("film", "concat")
"""Observations modulate every block ("film": FiLM, adaLN) or join the inputs ("concat")."""
SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the MLP with "concat"; all other networks match its parameter count."""


class StepLimits(NamedTuple):
    """The step counts a sampler accepts, with its default.

    Attributes:
        default: Steps taken unless a number is given.
        lowest: Fewest steps.
        highest: Most steps; None is unbounded.
        evaluations: Network evaluations of one step; 0 where there is no network.
        powers_of_two: Whether the number of steps must be a power of two; needs `highest`.
        grids: Whether it accepts every time grid of `GRIDS`.
        adaptive: Whether it chooses its steps by a tolerance; `steps` is then `ADAPTIVE_STEPS`.
    """

    default: int
    lowest: int = 1
    highest: int | None = None
    evaluations: int = 1
    powers_of_two: bool = False
    grids: bool = False
    adaptive: bool = False

    def __str__(self) -> str:
        if self.powers_of_two:
            return f"{self._listed(1)} steps"
        if self.adaptive:
            return "as many steps as its tolerance requires"
        if self.highest is None:
            return f"{self.lowest} or more steps"
        if self.lowest == self.highest:
            return f"exactly {self.lowest} step{'s' if self.lowest > 1 else ''}"
        return f"{self.lowest} to {self.highest} steps"

    def allow(self, steps: int) -> bool:
        """Return whether `steps` is accepted."""
        if self.powers_of_two and steps & (steps - 1):
            return False
        return self.lowest <= steps and (self.highest is None or steps <= self.highest)

    def steps_at(self, nfe: int) -> int | None:
        """Return the steps that cost `nfe` network evaluations, or None if there are none."""
        if not self.evaluations:
            return self.default if nfe == 0 else None
        if self.adaptive:
            return None
        steps, rest = divmod(nfe, self.evaluations)
        return steps if rest == 0 and self.allow(steps) else None

    @property
    def possible_nfe(self) -> str:
        """The possible numbers of network evaluations, in words."""
        if self.powers_of_two:
            return f"{self._listed(self.evaluations)} network evaluations"
        if self.adaptive:
            return "as many network evaluations as its tolerance requires"
        fewest = self.lowest * self.evaluations
        if self.lowest == self.highest:
            return f"exactly {fewest} network evaluation{'s' if fewest != 1 else ''}"
        most = "or more" if self.highest is None else f"to {self.highest * self.evaluations}"
        multiples = f", in multiples of {self.evaluations}" if self.evaluations > 1 else ""
        return f"{fewest} {most} network evaluations{multiples}"

    def _listed(self, factor: int) -> str:
        """List every accepted number of steps, times `factor`."""
        accepted = [steps for steps in range(1, (self.highest or 0) + 1) if self.allow(steps)]
        *others, last = [str(steps * factor) for steps in accepted]
        return f"{', '.join(others)} or {last}" if others else last


class SamplerEntry(NamedTuple):
    """A sampler.

    Attributes:
        limits: The steps it accepts.
        target: Its solver; empty if the objective implements the sampling itself.
        extra: The optional dependency group it needs, or "".
    """

    limits: StepLimits
    target: str = ""
    extra: str = ""


ADAPTIVE = StepLimits(ADAPTIVE_STEPS, ADAPTIVE_STEPS, ADAPTIVE_STEPS, adaptive=True)
"""Limits of an adaptive sampler."""

SAMPLERS: dict[str, SamplerEntry] = {
    # Flows: the velocity at a time.
    "euler": SamplerEntry(StepLimits(default=10, grids=True), "policies.samplers.ode:euler"),
    "midpoint": SamplerEntry(
        StepLimits(default=5, evaluations=2, grids=True), "policies.samplers.runge_kutta:midpoint"
    ),
    "heun": SamplerEntry(
        StepLimits(default=5, evaluations=2, grids=True), "policies.samplers.runge_kutta:heun"
    ),
    "rk4": SamplerEntry(
        StepLimits(default=3, evaluations=4, grids=True), "policies.samplers.runge_kutta:rk4"
    ),
    "rk45": SamplerEntry(ADAPTIVE, "policies.samplers.dormand_prince:rk45"),
    # Flows: the average velocity over a step.
    "average": SamplerEntry(StepLimits(default=1), "policies.samplers.average:average"),
    "shortcut": SamplerEntry(
        StepLimits(default=1, highest=SHORTCUT_STEPS, powers_of_two=True),
        "policies.samplers.average:shortcut",
    ),
    # Diffusion.
    "ddpm": SamplerEntry(
        StepLimits(DIFFUSION_STEPS, DIFFUSION_STEPS, DIFFUSION_STEPS), "policies.samplers.ddpm:Ddpm"
    ),
    "ddim": SamplerEntry(
        StepLimits(default=10, highest=DIFFUSION_STEPS), "policies.samplers.ddim:Ddim"
    ),
    "dpmpp_2m": SamplerEntry(
        StepLimits(default=10, highest=DIFFUSION_STEPS), "policies.samplers.dpmpp:Dpmpp2M"
    ),
    # A fixed number of steps; the objective implements the sampling itself.
    "two_step": SamplerEntry(StepLimits(default=2, lowest=2, highest=2)),
    "direct": SamplerEntry(StepLimits(default=1, highest=1)),
    "mixture": SamplerEntry(StepLimits(default=1, highest=1)),
    "nearest": SamplerEntry(StepLimits(default=1, highest=1, evaluations=0)),
}


def limits_of(*samplers: str) -> dict[str, StepLimits]:
    """Return the step limits of some of `SAMPLERS`, by name."""
    return {name: SAMPLERS[name].limits for name in samplers}


@dataclass(frozen=True)
class PolicyEntry:
    """An objective: its options, and its appearance in reports.

    Attributes:
        target: Its class.
        predictions: What its network may predict; the first is the default.
        limits: Sampler name to the steps it accepts.
        default_sampler: The sampler used unless one is given.
        place: Rank in tables and figures, lowest first; equal ranks are ordered by name.
        colour: Colour in figures, "#rrggbb".
        label: Label in tables and figures; empty is its name.
        planned: The samplers that a run evaluates by default; None is all of `limits`.
        reads: The keys of `OPTIONS` that it uses.
        teacher: The objective whose trained network it learns from; None if it needs only data.
        trains: Whether it trains a network; if not, it stores the training data instead.
        extra: The optional dependency group it needs, or "".
        files: A user's files that define it, each with the sha256 of its bytes, the one that
            registered it first; empty for the suite.
    """

    target: str
    predictions: tuple[str, ...]
    limits: dict[str, StepLimits]
    default_sampler: str
    place: int
    colour: str
    label: str = ""
    planned: tuple[str, ...] | None = None
    reads: tuple[str, ...] = ()
    teacher: str | None = None
    trains: bool = True
    extra: str = ""
    files: dict[str, str] = field(default_factory=dict)


_FLOW = ("sample", "velocity")
_FLOW_LIMITS = limits_of("euler", "midpoint", "heun", "rk4", "rk45")

# Colours: Okabe & Ito (2008), distinguishable with every kind of colour vision; those of shortcut,
# gmm and `MORE_COLOURS`: Tol (2021), "muted".
POLICIES: dict[str, PolicyEntry] = {
    "flow": PolicyEntry(
        "policies.objectives.flow:Flow", _FLOW, _FLOW_LIMITS, "euler", 10, "#0072B2",
        planned=("euler",), reads=("time_sampling", "pairing"),
    ),
    "reflow": PolicyEntry(
        "policies.objectives.reflow:Reflow", _FLOW, _FLOW_LIMITS, "euler", 20, "#56B4E9",
        planned=("euler",), reads=("time_sampling",), teacher="flow",
    ),
    "meanflow": PolicyEntry(
        "policies.objectives.meanflow:MeanFlow", _FLOW, limits_of("average"), "average", 30,
        "#CC79A7", planned=("average",),
    ),
    "shortcut": PolicyEntry(
        "policies.objectives.shortcut:Shortcut", _FLOW, limits_of("shortcut"), "shortcut", 40,
        "#999933", planned=("shortcut",),
    ),
    "diffusion": PolicyEntry(
        "policies.objectives.diffusion:Diffusion", ("sample", "epsilon", "v_prediction"),
        limits_of("ddpm", "ddim", "dpmpp_2m"), "ddpm", 50, "#D55E00",
        planned=("ddpm", "ddim"), reads=("schedule",),
    ),
    "mip": PolicyEntry(
        "policies.objectives.mip:MinimalIterativePolicy", ("sample",), limits_of("two_step"),
        "two_step", 60, "#E69F00",
    ),
    "bc": PolicyEntry(
        "policies.objectives.bc:BehaviourCloning", ("sample",), limits_of("direct"), "direct", 70,
        "#009E73",
    ),
    "gmm": PolicyEntry(
        "policies.objectives.gmm:MixtureDensity", ("sample",), limits_of("mixture"), "mixture", 80,
        "#882255",
    ),
    "knn": PolicyEntry(
        "policies.objectives.knn:NearestNeighbour", ("sample",), limits_of("nearest"), "nearest",
        90, "#000000", trains=False,
    ),
}  # fmt: skip
MORE_COLOURS = ("#332288", "#AA4499", "#117733", "#CC6677")
"""Colours of policies outside the suite, used in turn."""


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


class EncoderEntry(NamedTuple):
    """An encoder of pictures.

    Attributes:
        target: A function that builds it from a `policies.encoders.shape.PictureShape` and
            `EncoderOptions`.
        description: What it is, in one line.
        frozen: Whether its network is not trained, so that its features can be stored.
        reads: The options that it uses; each is a field of `EncoderOptions`.
        extra: The optional dependency group it needs, or "".
        files: A user's files that define it, as in `PolicyEntry`.
    """

    target: str
    description: str
    frozen: bool
    reads: tuple[str, ...] = ()
    extra: str = ""
    files: dict[str, str] = {}  # noqa: RUF012, no entry is changed


ENCODER_CHOICES: dict[str, tuple[str, ...]] = {
    "head": ("flat", "spatial_softmax"),
    "grid": ("projected", "pooled", "full"),
    "like": ("resnet18", "yolo12"),
}
"""Options of encoders with a fixed set of values, the default first."""

ENCODERS: dict[str, EncoderEntry] = {
    "resnet18": EncoderEntry(
        "policies.encoders.resnet18:build", "ResNet18 with GroupNorm, trained end to end",
        frozen=False, reads=("features", "head"),
    ),
    "vit": EncoderEntry(
        "policies.encoders.vit:build",
        "a small vision transformer trained end to end, or a timm model from a file",
        frozen=False, reads=("features", "weights", "model", "frozen", "grid"),
    ),
    "yolo12": EncoderEntry(
        "policies.encoders.yolo12:build", "grid features of a trained YOLO12, frozen",
        frozen=True, reads=("features", "weights", "grid"), extra="yolo",
    ),
    "boxes": EncoderEntry(
        "policies.encoders.boxes:build", "boxes and confidences of a trained YOLO12, frozen",
        frozen=True, reads=("weights", "threshold"), extra="yolo",
    ),
    "random": EncoderEntry(
        "policies.encoders.random:build", "grid features of an untrained network, frozen",
        frozen=True, reads=("features", "like", "seed", "grid"),
    ),
}  # fmt: skip
