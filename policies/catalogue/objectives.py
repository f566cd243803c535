"""Objectives, which are policies by name: their options, and their appearance in reports."""

from dataclasses import dataclass, field
from typing import NamedTuple

from policies.catalogue.samplers import StepLimits, limits_of

OPTIONS: dict[str, tuple[str, ...]] = {
    "time_sampling": ("uniform", "logit_normal", "beta"),
    "pairing": ("independent", "optimal_transport"),
    "schedule": ("cosine", "linear"),
    "meanflow": ("original", "improved"),
}
"""Options of objectives that are names, and their values, the default first."""


class CountOption(NamedTuple):
    """An option of objectives that is a whole number: its default and its range."""

    default: int
    least: int
    most: int


COUNTS: dict[str, CountOption] = {"training_samples": CountOption(8, 1, 256)}
"""Options of objectives that are whole numbers."""


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
        reads: The keys of `OPTIONS` and `COUNTS` that it uses.
        least: Option to the least number that it accepts, and why less is not enough; for options
            of which it accepts less than `COUNTS` does.
        teacher: The objective whose trained network it learns from; None if it needs only data.
        shares: The options that must be those of its teacher.
        trains: Whether it trains a network; if not, it stores the training data instead.
        draws: Whether its chunks depend on noise.
        denoises: Whether its network predicts clean chunks step by step, so that guidance works.
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
    least: dict[str, tuple[int, str]] = field(default_factory=dict)
    teacher: str | None = None
    shares: tuple[str, ...] = ()
    trains: bool = True
    draws: bool = True
    denoises: bool = False
    extra: str = ""
    files: dict[str, str] = field(default_factory=dict)


_FLOW = ("sample", "velocity")
_FLOW_LIMITS = limits_of("euler", "midpoint", "heun", "rk4", "rk45")

# Colours: Okabe & Ito (2008), distinguishable with every kind of colour vision; those of shortcut,
# gmm and `MORE_COLOURS`: Tol (2021), "muted".
POLICIES: dict[str, PolicyEntry] = {
    "flow": PolicyEntry(
        "policies.objectives.flow:Flow", _FLOW, _FLOW_LIMITS, "euler", 10, "#0072B2",
        planned=("euler",), reads=("time_sampling", "pairing"), denoises=True,
    ),
    "reflow": PolicyEntry(
        "policies.objectives.reflow:Reflow", _FLOW, _FLOW_LIMITS, "euler", 20, "#56B4E9",
        planned=("euler",), reads=("time_sampling",), teacher="flow", denoises=True,
    ),
    "meanflow": PolicyEntry(
        "policies.objectives.meanflow:MeanFlow", _FLOW, limits_of("average"), "average", 30,
        "#CC79A7", planned=("average",), reads=("meanflow",),
    ),
    "shortcut": PolicyEntry(
        "policies.objectives.shortcut:Shortcut", _FLOW, limits_of("shortcut"), "shortcut", 40,
        "#999933", planned=("shortcut",),
    ),
    "maniflow": PolicyEntry(
        "policies.objectives.maniflow:ManiFlow", _FLOW, limits_of("average"), "average", 42,
        "#88CCEE", planned=("average",),
    ),
    "drift": PolicyEntry(
        "policies.objectives.drift:Drift", ("sample",), limits_of("one_step"), "one_step", 44,
        "#117733", reads=("training_samples",),
        least={"training_samples": (2, "a single sample has no other that repels it")},
    ),
    "imle": PolicyEntry(
        "policies.objectives.imle:Imle", ("sample",), limits_of("one_step"), "one_step", 47,
        "#AA4499", reads=("training_samples",),
    ),
    "diffusion": PolicyEntry(
        "policies.objectives.diffusion:Diffusion", ("sample", "epsilon", "v_prediction"),
        limits_of("ddpm", "ddim", "dpmpp_2m"), "ddpm", 50, "#D55E00",
        planned=("ddpm", "ddim"), reads=("schedule",), denoises=True,
    ),
    "consistency": PolicyEntry(
        "policies.objectives.consistency:Consistency", ("sample",), limits_of("consistency"),
        "consistency", 55, "#CC6677", reads=("schedule",), teacher="diffusion",
        shares=("schedule",),
    ),
    "mip": PolicyEntry(
        "policies.objectives.mip:MinimalIterativePolicy", ("sample",), limits_of("two_step"),
        "two_step", 60, "#E69F00", draws=False,
    ),
    "bc": PolicyEntry(
        "policies.objectives.bc:BehaviourCloning", ("sample",), limits_of("direct"), "direct", 70,
        "#009E73", draws=False,
    ),
    "gmm": PolicyEntry(
        "policies.objectives.gmm:MixtureDensity", ("sample",), limits_of("mixture"), "mixture", 80,
        "#882255",
    ),
    "knn": PolicyEntry(
        "policies.objectives.knn:NearestNeighbour", ("sample",), limits_of("nearest"), "nearest",
        90, "#000000", trains=False, draws=False,
    ),
}  # fmt: skip
MORE_COLOURS = ("#332288", "#DDCC77", "#6699CC", "#661100")
"""Colours of policies outside the suite, used in turn."""
