"""The shape and training target of a chunk policy, as values that are stored with its weights."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from policies.backbones import resolve_conditioning
from policies.catalogue import ENCODER_CHOICES, ENCODERS
from policies.encoders.shape import PictureShape
from policies.objectives import load_objective
from policies.objectives.options import ObjectiveOptions
from policies.registry import lookup, unknown_name


@dataclass(frozen=True)
class ChunkPolicyConfig:
    """Shape and training target of a `ChunkPolicy`.

    Attributes:
        obs_dim: Numbers in one observation, with what is seen.
        act_dim: Numbers in one action.
        obs_horizon: Observations per window, the current one last.
        pred_horizon: Actions in a chunk; the first is for the current control step.
        objective: A key of `policies.catalogue.POLICIES`.
        prediction: What the network predicts, one of the objective's `predictions`.
        backbone: A key of `policies.catalogue.BACKBONES`.
        width: Width of the network.
        depth: Blocks of the network.
        conditioning: How observations reach the network, "film" or "concat"; empty is the
            backbone's own.
        time_sampling: Distribution of the training times of a flow; see `ObjectiveOptions`.
        pairing: How noise is paired with chunks; see `ObjectiveOptions`.
        schedule: Noise schedule of diffusion; see `ObjectiveOptions`.
        meanflow: Target of mean flows; see `ObjectiveOptions`.
        training_samples: Chunks sampled of every window in training; see `ObjectiveOptions`.
        encoder: The encoder of pictures, a key of `policies.catalogue.ENCODERS`; empty without.
        seen_dim: The last numbers of an observation: pixels, or stored features of them.
        groups: Groups of stored features, each of which is mapped by itself: one per camera, or one
            in all; 0 if pixels are seen.
        cameras: Number of cameras.
        image_size: Rows and columns of a picture [px].
        features: Numbers per group, or per camera, in the condition; 0 keeps the stored features.
        head: How maps become features; see `EncoderOptions`.
        model: The timm model whose architecture the encoder has; empty for none.
        prefix: The most actions of the previous chunk that are part of the condition; 0 for none.

    Raises:
        ValueError: A size is not a positive integer, or a name is unknown, or what is seen does not
            fit the encoder or the objective.
    """

    obs_dim: int
    act_dim: int
    obs_horizon: int = 2
    pred_horizon: int = 16
    objective: str = "flow"
    prediction: str = "sample"
    backbone: str = "mlp"
    width: int = 256
    depth: int = 3
    conditioning: str = ""
    time_sampling: str = "uniform"
    pairing: str = "independent"
    schedule: str = "cosine"
    meanflow: str = "original"
    training_samples: int = 8
    encoder: str = ""
    seen_dim: int = 0
    groups: int = 0
    cameras: int = 0
    image_size: int = 0
    features: int = 0
    head: str = ENCODER_CHOICES["head"][0]
    model: str = ""
    prefix: int = 0

    def __post_init__(self) -> None:
        for name in ("obs_dim", "act_dim", "obs_horizon", "pred_horizon", "width", "depth"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a positive integer")
        if not 0 <= self.prefix < self.pred_horizon:
            raise ValueError(f"prefix is {self.prefix}; give 0 to {self.pred_horizon - 1} actions")
        resolve_conditioning(self.backbone, self.conditioning)
        _ = self.options
        load_objective(self.objective).check_prediction(self.prediction)
        if self.encoder or self.seen_dim:
            self._check_sight()

    def _check_sight(self) -> None:
        """Check what is seen; see the class."""
        shape = self.picture_shape
        lookup("encoder", self.encoder, ENCODERS)
        pixels = math.prod(shape.dims)
        if not 0 < self.seen_dim < self.obs_dim or not (self.groups or self.seen_dim == pixels):
            raise ValueError(
                f"seen_dim is {self.seen_dim} of obs_dim {self.obs_dim}; the pixels of "
                f"{self.cameras} cameras are {pixels}"
            )
        if not load_objective(self.objective).trains:
            raise ValueError(f"{self.objective} compares states; it takes no pictures")

    @property
    def picture_shape(self) -> PictureShape:
        """The shape of the pictures of one control step."""
        return PictureShape(self.cameras, self.image_size, self.image_size)

    @property
    def prefix_dim(self) -> int:
        """Numbers of the condition about the previous chunk: its actions, and which are given."""
        return self.prefix * (self.act_dim + 1)

    @property
    def agent_dim(self) -> int:
        """The first numbers of an observation: those that are not seen."""
        return self.obs_dim - self.seen_dim

    @property
    def options(self) -> ObjectiveOptions:
        """The options of the objective."""
        return ObjectiveOptions(
            self.time_sampling, self.pairing, self.schedule, self.meanflow, self.training_samples
        )

    def to_json(self) -> dict[str, int | str]:
        """Return the configuration as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ChunkPolicyConfig":
        """Build a configuration from `to_json`'s dictionary.

        Raises:
            ValueError: A key is unknown or missing, or a value is not accepted.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name("field of ChunkPolicyConfig", key, known)
        missing = [key for key in ("obs_dim", "act_dim") if key not in values]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing; give obs_dim and act_dim")
        return cls(**values)
