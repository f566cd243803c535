"""Say what a run is: presets, the values a user overrides, and the check of all of them."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError, unknown
from policies.catalogue import BACKBONES, CONDITIONINGS, OPTIONS, POLICIES, SIZES

ALL_TASKS = "all"
PRECISIONS = ("fp32", "bf16")
CHOICES: dict[str, Collection[str]] = {
    "backbone": BACKBONES,
    "size": SIZES,
    "conditioning": CONDITIONINGS,
    **OPTIONS,
    "precision": PRECISIONS,
}
"""Option to the names that it accepts; a backbone of a user's own is there once registered."""
MOST = {
    "seeds": 1000,
    "episodes": 1_000_000,
    "demos": 300_000,
    "updates": 100_000_000,
    "batch_size": 1_000_000,
    "width": 16_384,
    "depth": 256,
    "obs_horizon": 1000,
    "pred_horizon": 1000,
    "exec_horizon": 1000,
    "nfe": 1000,
}
"""The largest count that each option accepts; the smallest is 1."""


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's numbers; alike for every policy of the run.

    Attributes:
        task: Names of the tasks.
        policy: Names of the objectives to train.
        preset: The preset that the values below started from.
        seeds: Training seeds per policy.
        episodes: Test episodes per trained policy and sampler.
        demos: Demonstrations per task.
        noise: Scale of the command noise of demonstrations.
        updates: Gradient steps per training.
        batch_size: Windows per update.
        learning_rate: Peak learning rate.
        backbone: Name of the network.
        size: How large the network is: alike for every backbone.
        width: Width of the network; None is what the size says, as for `depth`.
        depth: Blocks of the network.
        conditioning: How observations reach the network; None is the backbone's own way.
        prediction: What the network predicts.
        time_sampling: How a flow's training times are drawn.
        pairing: How a flow's noise is paired with the chunks of a batch.
        schedule: Noise schedule of diffusion.
        from_run: Folder of the run whose flows `reflow` learns from; None is the run itself.
            JSON and the hash know its name alone, however the path was spelt: what decides are
            the weights in it, and `run.json` holds their hashes.
        precision: Numbers of the network's layers in training.
        obs_horizon: Observations a policy sees.
        pred_horizon: Actions it predicts.
        exec_horizon: Actions executed before it is asked again.
        nfe: Network evaluations to evaluate at, where a sampler leaves the choice.
        device: Where networks run.
    """

    task: tuple[str, ...] = ("LiftCube",)
    policy: tuple[str, ...] = ("flow",)
    preset: str = "default"
    seeds: int = 1
    episodes: int = 100
    demos: int = 500
    noise: float = 1.0
    updates: int = 4500
    batch_size: int = 256
    learning_rate: float = 1e-3
    backbone: str = "mlp"
    size: str = "small"
    width: int | None = None
    depth: int | None = None
    conditioning: str | None = None
    prediction: str = "sample"
    time_sampling: str = "uniform"
    pairing: str = "independent"
    schedule: str = "cosine"
    from_run: str | None = None
    precision: str = "fp32"
    obs_horizon: int = 2
    pred_horizon: int = 16
    exec_horizon: int = 8
    nfe: tuple[int, ...] = (1, 2, 4, 10)
    device: str = "cpu"

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        if self.from_run is not None:
            values["from_run"] = Path(self.from_run).resolve().name
        return values

    @property
    def hash(self) -> str:
        """Hash of every value, 12 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]


PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {"episodes": 5, "demos": 10, "updates": 30, "nfe": (1, 2), "width": 64, "depth": 2},
    "default": {},
    "paper": {
        "seeds": 3,
        "demos": 1000,
        "updates": 10_000,
        "batch_size": 1024,
        "size": "base",
        "nfe": (1, 2, 4, 8, 16, 32),
    },
}


def make_config(preset: str, overrides: dict[str, Any], known_tasks: tuple[str, ...]) -> RunConfig:
    """Build a configuration from a preset and what the user gave, and check it.

    Args:
        preset: A key of `PRESETS`.
        overrides: Values by field name; None leaves the preset's.
        known_tasks: Names that `task` may have; "all" stands for all of them.

    Raises:
        FmbenchError: Names the value, what is accepted, and near matches.
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    given = {name: value for name, value in overrides.items() if value is not None}
    config = RunConfig(**{**PRESETS[preset], **given, "preset": preset})
    if ALL_TASKS in config.task:
        config = dataclasses.replace(config, task=known_tasks)
    _check_names("task", config.task, (*known_tasks, ALL_TASKS))
    _check_names("policy", config.policy, tuple(POLICIES))
    for name, known in CHOICES.items():
        if (chosen := getattr(config, name)) is not None and chosen not in known:
            raise unknown(name.replace("_", "-"), chosen, known)
    possible = BACKBONES[config.backbone].conditionings
    if config.conditioning is not None and config.conditioning not in possible:
        raise FmbenchError(
            f"--conditioning {config.conditioning} is not possible for {config.backbone}; "
            f"possible: {', '.join(possible)}"
        )
    for name in MOST:
        given_counts = getattr(config, name)
        if given_counts is None:
            continue
        for count in given_counts if name == "nfe" else (given_counts,):
            check_count(f"--{name.replace('_', '-')}", count, MOST[name])
    if not config.nfe:
        raise FmbenchError("--nfe names nothing; give one or more whole numbers")
    if len(set(config.nfe)) < len(config.nfe):
        raise FmbenchError(f"--nfe names a number twice: {' '.join(map(str, config.nfe))}")
    if config.exec_horizon > config.pred_horizon:
        raise FmbenchError(
            f"--exec-horizon is {config.exec_horizon}, more than --pred-horizon "
            f"{config.pred_horizon}: a policy cannot execute more actions than it predicts"
        )
    if not (math.isfinite(config.noise) and config.noise >= 0):
        raise FmbenchError(f"--noise is {config.noise}; give a number of at least 0")
    if not (math.isfinite(config.learning_rate) and config.learning_rate > 0):
        raise FmbenchError(f"--learning-rate is {config.learning_rate}; give a number above 0")
    return config


def config_from_json(values: object, known_tasks: tuple[str, ...]) -> RunConfig:
    """Build the configuration that `RunConfig.to_json` wrote, and check it.

    Raises:
        FmbenchError: It is not such a configuration, or names a task or policy unknown here.
    """
    examples = dataclasses.asdict(RunConfig()) | _UNSET
    if not isinstance(values, dict) or set(values) != set(examples):
        raise FmbenchError(f"a configuration has the values {', '.join(examples)}")
    for name, value in values.items():
        if not (name in _UNSET and value is None) and not _is_like(value, examples[name]):
            raise FmbenchError(f"{name} is {value!r} in its configuration, unlike {examples[name]}")
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return make_config(str(values["preset"]), given, known_tasks)


def check_out(out: Path, flag: str = "--out") -> None:
    """Refuse an output folder that is a file, cannot be written, or climbs out through `..`.

    Args:
        out: The folder; it need not exist, and is not made.
        flag: Where it was given, for the message.

    Raises:
        FmbenchError: Says what is wrong with it.
    """
    if ".." in out.parts:
        raise FmbenchError(f"{flag} {out} contains '..'; give the folder's plain path")
    existing = out
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise FmbenchError(f"{flag} {out}: {existing} is a file; give a folder")
    probe = existing / f".fmbench-{hashlib.sha256(str(out).encode()).hexdigest()[:8]}"
    try:
        probe.touch()
        probe.unlink(missing_ok=True)  # another run may have looked at the same time
    except OSError as error:
        raise FmbenchError(
            f"{flag} {out}: {existing} cannot be written ({error.strerror})"
        ) from None


def check_count(flag: str, value: int, most: int, least: int = 1) -> None:
    """Refuse a count not in `least`..`most`; the message names the flag it was given by."""
    if not least <= value <= most:
        raise FmbenchError(f"{flag} is {value}; give a whole number from {least} to {most}")


_UNSET: dict[str, Any] = {"width": 1, "depth": 1, "conditioning": "film", "from_run": "runs/a"}
"""The values that may be None, with an example of each that is not."""


def _check_names(kind: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    if not names:
        raise FmbenchError(f"--{kind} names nothing; known: {', '.join(known)}")
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)
    if len(set(names)) < len(names):
        raise FmbenchError(f"--{kind} names one twice: {' '.join(names)}")


def _is_like(value: object, example: object) -> bool:
    """Say whether a JSON value has the type of `example`."""
    if isinstance(example, tuple):
        return isinstance(value, list) and all(_is_like(each, example[0]) for each in value)
    kinds = (int, float) if isinstance(example, float) else (type(example),)
    return type(value) in kinds
