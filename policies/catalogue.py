"""The catalogue: names and facts of every policy, backbone and sampler, as plain data.

It is read without torch, by command lines and reports too. What an entry names is at its `target`,
"module:name", and is loaded when it is asked for (`policies.registry.load`). To add an objective, a
backbone or a sampler, write its file and enter it here; a user's own is entered from its class, by
`policies.objectives.add_objective` and `policies.backbones.add_backbone`. Small entries are named
tuples, since every help waits for them: making a dataclass takes three times as long.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

ADAPTIVE_STEPS = 0
"""What stands for the steps of a sampler that chooses them itself."""
DIFFUSION_STEPS = 100
"""Training steps K of diffusion; DDPM takes them all."""
SHORTCUT_STEPS = 64
"""Most steps of the sampler `shortcut`, a power of two; its shortest step is one of them."""
TOLERANCE = 1e-3
"""Default of both tolerances of an adaptive sampler: 0.05 % of the range of a normalised action."""
GRIDS = ("uniform", "early", "late", "cosine")
"""Time grids of a sampler of fixed steps, the default first."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "time_sampling": ("uniform", "logit_normal", "beta"),
    "pairing": ("independent", "optimal_transport"),
    "schedule": ("cosine", "linear"),
}
"""Choices inside an objective: option to its values, the default first."""
CONDITIONINGS = ("film", "concat")
"""Observations modulate every block (FiLM, adaLN), or are concatenated to the inputs."""
SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the concatenating MLP, whose number of parameters all others match."""


class StepLimits(NamedTuple):
    """The step counts a sampler accepts, with its default.

    Attributes:
        default: Steps taken when none are asked for.
        lowest: Fewest steps.
        highest: Most steps; None is unbounded.
        evaluations: Network evaluations of one step; 0 where there is no network.
        powers_of_two: Whether the number of steps has to be a power of two; needs `highest`.
        grids: Whether its steps may lie on any time grid of `GRIDS`.
        adaptive: Whether it chooses its steps by a tolerance; then only 0 stands for them.
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
            return "as many steps as its tolerance asks for"
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
        """Return the steps that cost `nfe` network evaluations; None if no accepted number does."""
        if not self.evaluations:
            return self.default if nfe == 0 else None
        if self.adaptive:
            return None
        steps, rest = divmod(nfe, self.evaluations)
        return steps if rest == 0 and self.allow(steps) else None

    @property
    def possible_nfe(self) -> str:
        """The numbers of network evaluations that are possible, in words."""
        if self.powers_of_two:
            return f"{self._listed(self.evaluations)} network evaluations"
        if self.adaptive:
            return "as many network evaluations as its tolerance asks for"
        fewest = self.lowest * self.evaluations
        if self.lowest == self.highest:
            return f"exactly {fewest} network evaluation{'s' if fewest != 1 else ''}"
        most = "or more" if self.highest is None else f"to {self.highest * self.evaluations}"
        multiples = f", in multiples of {self.evaluations}" if self.evaluations > 1 else ""
        return f"{fewest} {most} network evaluations{multiples}"

    def _listed(self, factor: int) -> str:
        """Name every accepted number of steps, times `factor`."""
        accepted = [steps for steps in range(1, (self.highest or 0) + 1) if self.allow(steps)]
        *others, last = [str(steps * factor) for steps in accepted]
        return f"{', '.join(others)} or {last}" if others else last


class SamplerEntry(NamedTuple):
    """A sampler.

    Attributes:
        limits: The steps it accepts.
        target: Its solver; empty where the objective samples by itself.
        extra: The optional part of the installation that it needs, or "".
    """

    limits: StepLimits
    target: str = ""
    extra: str = ""


ADAPTIVE = StepLimits(ADAPTIVE_STEPS, ADAPTIVE_STEPS, ADAPTIVE_STEPS, adaptive=True)
"""The limits of an adaptive sampler."""

SAMPLERS: dict[str, SamplerEntry] = {
    # Flows, by the velocity at a time.
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
    # Flows, by the average velocity over a step.
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
    # No choice of steps: the objective samples by itself.
    "two_step": SamplerEntry(StepLimits(default=2, lowest=2, highest=2)),
    "direct": SamplerEntry(StepLimits(default=1, highest=1)),
    "mixture": SamplerEntry(StepLimits(default=1, highest=1)),
    "nearest": SamplerEntry(StepLimits(default=1, highest=1, evaluations=0)),
}


def limits_of(*samplers: str) -> dict[str, StepLimits]:
    """Return samplers of the suite with their step limits."""
    return {name: SAMPLERS[name].limits for name in samplers}


@dataclass(frozen=True)
class PolicyEntry:
    """An objective: what it accepts, and how a report shows it.

    Attributes:
        target: Its class.
        predictions: What its network may predict; the first is the default.
        limits: Sampler name to the steps it accepts.
        default_sampler: The sampler used when none is asked for.
        place: Rank in tables and figures, lowest first; equals are ordered by name.
        colour: In figures, "#rrggbb".
        label: What tables and figures call it; empty is its name.
        planned: The samplers that a run evaluates without being asked; None is all of `limits`.
        reads: The keys of `OPTIONS` that change it.
        teacher: The objective whose trained network it learns from; None is the data alone.
        trains: Whether it has a network to train; one that has none keeps the data instead.
        extra: The optional part of the installation that it needs, or "".
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


_FLOW = ("sample", "velocity")
_FLOW_LIMITS = limits_of("euler", "midpoint", "heun", "rk4", "rk45")

# Colours: Okabe & Ito (2008), told apart with every kind of colour vision; of shortcut and gmm, and
# `MORE_COLOURS`: Tol (2021), "muted".
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
"""For policies that are not of the suite, in turn."""


@dataclass(frozen=True)
class BackboneEntry:
    """A network architecture.

    Attributes:
        target: Its class, built from a `policies.backbones.shape.NetworkShape`.
        conditioning: How observations usually reach it.
        conditionings: How they may reach it.
        depth: Its depth at every size; None is that of the size.
        sizes: Width and depth at each of `SIZES`; empty matches the parameters of the MLP.
        extra: The optional part of the installation that it needs, or "".
    """

    target: str
    conditioning: str
    conditionings: tuple[str, ...] = CONDITIONINGS
    depth: int | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    extra: str = ""


BACKBONES: dict[str, BackboneEntry] = {
    "mlp": BackboneEntry("policies.backbones.mlp:ResidualMLP", "concat", sizes=SIZES),
    "dit": BackboneEntry("policies.backbones.dit:DiT", "film"),
    # One block at each resolution and side, at every size: see `policies.backbones.unet.UNet`.
    "unet": BackboneEntry("policies.backbones.unet:UNet", "film", depth=1),
}
