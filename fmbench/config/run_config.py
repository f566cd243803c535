"""The values that determine a run's numbers.

Each value is one field of `RunConfig`. Its flag, help, checks and row in the table of presets are
derived from the field's metadata.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmbench.config.choices import (
    ADDED,
    BUDGETS,
    OBSERVATIONS,
    PRECISIONS,
    PREDICTIONS,
    RENDERERS,
    STATE,
    UNSUCCESSFUL,
)
from fmbench.config.flag import ACTING, AFTER, HOW, SEEN, WHAT, WHERE, Flag, flags_of
from fmbench.config.hashes import cell_hash, config_hash
from fmbench.config.presets import PRESETS
from policies.catalogue import (
    BACKBONES,
    CONDITIONINGS,
    COUNTS,
    ENCODER_CHOICES,
    ENCODERS,
    EXECUTIONS,
    MEASURED,
    OPTIONS,
    POLICIES,
    RECIPE,
    SIZES,
)

OF_RECIPE = "(default: that of the backbone)"


def _value(default: object, text: str, metavar: str = "NAME", group: str = HOW, **more: Any) -> Any:
    """Return a dataclass field with its flag as metadata."""
    return dataclasses.field(default=default, metadata={"flag": Flag(text, metavar, group, **more)})


@dataclass(frozen=True)
class RunConfig:
    """All values that determine a run's numbers, the same for every policy of the run.

    The recipe of a backbone is among the defaults of `make_config`; those here are the recipe of
    the MLP. Width, depth and conditioning are None if they follow from size and backbone, cameras
    if they follow from the task. `from_run` is None if the teachers are the run's own; JSON
    and the hash contain only the name of its folder, because its weights determine the numbers, and
    `run.json` holds their hashes. The same holds for the file of `encoder_weights` and the folder
    of `demonstrations`, whose number is `demos` once they have been read. Where policies
    observe the state, JSON and the hash have none of the fields about pictures, nor do they have
    those of `ADDED` at their defaults.
    """

    policy: tuple[str, ...] = _value(
        ("flow",), "{choices} (default: {default})", group=WHAT, choices=POLICIES
    )
    task: tuple[str, ...] = _value(
        ("LiftCube",), "{choices} or all (default: {default})", group=WHAT
    )
    preset: str = _value(
        "default",
        "smoke (seconds, no meaningful numbers), default (two cores) or paper (a GPU: add "
        "--device cuda); default: {default}",
        group=WHAT,
        choices=PRESETS,
    )
    seeds: int = _value(1, "training seeds per policy", "N", group=WHAT, most=1000)
    episodes: int = _value(100, "test episodes per trained policy", "N", group=WHAT, most=1_000_000)
    nfe: tuple[int, ...] = _value(
        (1, 2, 4, 10), "network evaluations per decision to compare", "N", group=WHAT, most=1000
    )
    observation: str = _value(
        STATE,
        "state, pixels (pictures, by an encoder that is trained with the policy) or features (of "
        "pictures, by a frozen encoder); default: {default}",
        group=SEEN,
        choices=OBSERVATIONS,
    )
    encoder: str | None = _value(
        None, "{choices} (default: resnet18 for pixels)", group=SEEN, choices=ENCODERS
    )
    encoder_weights: str | None = _value(
        None, "its weights, a safetensors file: of a detector or a timm model", "FILE", group=SEEN
    )
    encoder_model: str | None = _value(
        None, "the timm model that the weights belong to", group=SEEN
    )
    encoder_learning_rate: float = _value(
        3e-4, "peak learning rate of an encoder that is trained", "X", SEEN, least=0, above=True
    )
    cameras: tuple[str, ...] | None = _value(
        None, "main, and those in the task's file (default: all of them)", group=SEEN
    )
    image_size: int = _value(
        96, "rows and columns of a picture [px]", "N", SEEN, least=16, most=480
    )
    renderer: str = _value(
        "auto",
        "rays, opengl or auto: opengl where a GPU draws, otherwise rays (default: {default})",
        group=SEEN,
        choices=RENDERERS,
    )
    features: int = _value(
        128, "numbers per camera that an encoder gives to the policy", "N", SEEN, most=16_384
    )
    head: str = _value(
        ENCODER_CHOICES["head"][0],
        "how the maps of resnet18 become numbers: {choices}",
        group=SEEN,
        choices=ENCODER_CHOICES["head"],
    )
    feature_grid: str = _value(
        ENCODER_CHOICES["grid"][0],
        "how the maps of a frozen encoder are reduced: {choices}",
        group=SEEN,
        choices=ENCODER_CHOICES["grid"],
    )
    like: str = _value(
        ENCODER_CHOICES["like"][0],
        "whose untrained network random has: {choices}",
        group=SEEN,
        choices=ENCODER_CHOICES["like"],
    )
    demos: int = _value(500, "demonstrations per task", "N", most=300_000)
    noise: float = _value(1.0, "scale of the command noise in demonstrations", "X", least=0)
    demonstrations: str | None = _value(
        ADDED["demonstrations"],
        "learn from this data set instead, a Minari or a LeRobot v3.0 one of the task; --demos N "
        "then takes its first N episodes",
        "DIR",
    )
    unsuccessful: str = _value(
        ADDED["unsuccessful"],
        "its episodes that do not end in success: {choices} (default: {default})",
        choices=UNSUCCESSFUL,
    )
    updates: int = _value(4500, "gradient steps", "N", most=100_000_000)
    budget: str = _value(
        BUDGETS[0],
        "what is equal for all policies: updates, or rows of the network in them, of which a flow "
        "has one per window (drift then makes an eighth of the updates)",
        choices=BUDGETS,
    )
    batch_size: int = _value(256, "windows per update", "N", most=1_000_000)
    learning_rate: float = _value(
        RECIPE.learning_rate, f"peak learning rate {OF_RECIPE}", "X", least=0, above=True
    )
    backbone: str = _value("mlp", "the network: {choices}", choices=BACKBONES)
    size: str = _value("small", "its size: {choices}", choices=SIZES)
    width: int | None = _value(None, "its width, if not that of the size", "N", most=16_384)
    depth: int | None = _value(None, "its number of blocks, if not that of the size", "N", most=256)
    conditioning: str | None = _value(
        None,
        "how it is conditioned on observations: {choices} (default: concat for mlp, else film)",
        choices=CONDITIONINGS,
    )
    prediction: str = _value("sample", f"what it predicts: {', '.join(PREDICTIONS)}")
    time_sampling: str = _value(
        "uniform", "flow times in training: {choices}", choices=OPTIONS["time_sampling"]
    )
    pairing: str = _value(
        "independent", "how flows pair noise with actions: {choices}", choices=OPTIONS["pairing"]
    )
    schedule: str = _value(
        "cosine", "noise schedule of diffusion: {choices}", choices=OPTIONS["schedule"]
    )
    meanflow: str = _value(
        OPTIONS["meanflow"][0], "target of mean flows: {choices}", choices=OPTIONS["meanflow"]
    )
    training_samples: int = _value(
        COUNTS["training_samples"].default,
        "chunks that drift and imle sample of a window in an update",
        "N",
        least=COUNTS["training_samples"].least,
        most=COUNTS["training_samples"].most,
    )
    precision: str = _value(
        "fp32", "floating-point format of the layers in training: {choices}", choices=PRECISIONS
    )
    from_run: str | None = _value(
        None,
        "finished run with the teachers of reflow (its flows) and consistency (its diffusions); "
        "without it they are trained first",
        "RUN",
        name="--from",
    )
    obs_horizon: int = _value(2, "observations a policy is conditioned on", "N", most=1000)
    pred_horizon: int = _value(16, "actions it predicts per decision", "N", most=1000)
    exec_horizon: int = _value(8, "actions executed per decision", "N", most=1000)
    warmup_updates: int = _value(
        RECIPE.warmup_updates,
        f"updates in which the learning rate rises to its peak {OF_RECIPE}",
        "N",
        least=0,
        most=100_000_000,
    )
    weight_decay: float = _value(
        RECIPE.weight_decay, f"weight decay of AdamW {OF_RECIPE}", "X", least=0
    )
    ema_decay: float = _value(
        RECIPE.ema_decay,
        f"largest decay of the averaged weights {OF_RECIPE}",
        "X",
        least=0,
        below=1,
    )
    train_delay: int = _value(
        ADDED["train_delay"],
        "largest delay for which policies learn to continue the previous chunk, of which that many "
        "actions are part of their condition; for --execution rtc_train",
        "N",
        least=0,
        most=1000,
    )
    delay: tuple[str, ...] = _value(
        ADDED["delay"],
        "control steps from an observation to the first action decided from it, or "
        f"{MEASURED}: as many as the 95th percentile of the latency takes on this machine",
        "N",
        group=ACTING,
    )
    execution: tuple[str, ...] = _value(
        ADDED["execution"],
        "how a chunk follows the previous one: {choices} (default: {default})",
        group=ACTING,
        choices=EXECUTIONS,
    )
    latency_ms: float | None = _value(
        ADDED["latency_ms"],
        f"the latency from which --delay {MEASURED} follows, of another machine [ms]",
        "X",
        group=ACTING,
        least=0,
        above=True,
        below=60_000,
    )
    perturb: tuple[str, ...] = _value(
        ADDED["perturb"],
        "disturb the episodes besides, e.g. mass=2, for each policy's headline without delay and "
        "for the expert; axes are listed below",
        "AXIS=LEVEL",
        group=ACTING,
    )
    device: str = _value("cpu", "{default} (default), cuda or cuda:N", group=WHERE)
    test_block: int = _value(
        ADDED["test_block"],
        "2: evaluate on the second block of test seeds, once, and compare",
        "N",
        group=AFTER,
        most=2,
    )

    @property
    def largest_delay(self) -> int:
        """The largest delay that may be given [control steps]."""
        return min(self.exec_horizon, self.pred_horizon - self.exec_horizon)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        for name in ("from_run", "encoder_weights", "demonstrations"):
            if values[name] is not None:
                values[name] = Path(values[name]).resolve().name
        if self.observation == STATE:
            values = {name: value for name, value in values.items() if name not in SEEN_FIELDS}
        plain = {name for name, default in ADDED.items() if getattr(self, name) == default}
        return {name: value for name, value in values.items() if name not in plain}

    def cell_hash(self, policy: str) -> str:
        """Return the hash of the values that decide the cells of one policy; see `cell_hash`."""
        return cell_hash(self.to_json(), policy)

    @property
    def hash(self) -> str:
        """Hash of all values, 12 hexadecimal digits."""
        return config_hash(self.to_json())


FLAGS = flags_of(RunConfig)
"""Field name of `RunConfig` to its flag, in order."""
SEEN_FIELDS = tuple(name for name, flag in FLAGS.items() if flag.group == SEEN)
"""The fields about observations; a run on states has none of them in JSON and its hash."""
