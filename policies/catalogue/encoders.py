"""Encoders of pictures: what each is, and the options that it uses."""

from typing import NamedTuple


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
    "blind": EncoderEntry(
        "policies.encoders.blind:build", "nothing: the floor, from the agent's own numbers alone",
        frozen=True,
    ),
}  # fmt: skip
