"""What an encoder is built from: the shape of the pictures, and its options."""

from dataclasses import dataclass, fields

from torch import Tensor, uint8

from policies.catalogue import ENCODER_CHOICES, ENCODERS
from policies.registry import lookup

CHANNELS = 3


@dataclass(frozen=True)
class PictureShape:
    """The pictures of one control step: one of each camera, all of one size.

    Attributes:
        cameras: Number of cameras.
        height: Rows of a picture [px].
        width: Columns of a picture [px].

    Raises:
        ValueError: A size is not a positive integer.
    """

    cameras: int = 1
    height: int = 96
    width: int = 96

    def __post_init__(self) -> None:
        for name in ("cameras", "height", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a positive integer")

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """The dimensions of the pictures of one step, `(cameras, height, width, 3)`."""
        return (self.cameras, self.height, self.width, CHANNELS)

    def check(self, pictures: Tensor) -> None:
        """Check pictures `(N, cameras, height, width, 3)` uint8.

        Raises:
            ValueError: The shape or the type is another.
        """
        if pictures.ndim != 5 or pictures.shape[1:] != self.dims or pictures.dtype != uint8:
            expected = ", ".join(map(str, self.dims))
            kind = str(pictures.dtype).removeprefix("torch.")
            raise ValueError(
                f"pictures are {tuple(pictures.shape)} of {kind}; expected (N, {expected}) of uint8"
            )

    def need_multiple(self, of: int, what: str) -> None:
        """Check that height and width are multiples of a number of pixels.

        Raises:
            ValueError: One is not; the message names the nearest sizes that are.
        """
        for name, size in (("height", self.height), ("width", self.width)):
            if size % of:
                near = [side for side in (size // of * of, (size // of + 1) * of) if side]
                raise ValueError(
                    f"the {name} of the pictures is {size}; {what} takes multiples of {of}, "
                    f"e.g. {' or '.join(map(str, near))}"
                )

    def need_at_least(self, least: int, what: str) -> None:
        """Check that height and width are at least a number of pixels.

        Raises:
            ValueError: One is smaller.
        """
        for name, size in (("height", self.height), ("width", self.width)):
            if size < least:
                raise ValueError(
                    f"the {name} of the pictures is {size}; {what} takes {least} or more"
                )


@dataclass(frozen=True)
class EncoderOptions:
    """Options of encoders; an encoder reads those in its entry of `policies.catalogue.ENCODERS`.

    Attributes:
        features: Numbers per camera that reach the policy (`own` encoders: in all).
        head: How maps become features, one of `ENCODER_CHOICES["head"]`.
        grid: How frozen maps are reduced, one of `ENCODER_CHOICES["grid"]`.
        like: Whose untrained network `random` uses, one of `ENCODER_CHOICES["like"]`.
        seed: Seed of the untrained weights of `random`.
        weights: Path of a safetensors file; empty for none.
        model: Name of the timm model that `weights` belong to.
        frozen: Whether the network of `weights` is not trained further.
        threshold: Confidence below which `boxes` reports no box.

    Raises:
        ValueError: A value is not accepted.
    """

    features: int = 128
    head: str = ENCODER_CHOICES["head"][0]
    grid: str = ENCODER_CHOICES["grid"][0]
    like: str = ENCODER_CHOICES["like"][0]
    seed: int = 0
    weights: str = ""
    model: str = ""
    frozen: bool = False
    threshold: float = 0.25

    def __post_init__(self) -> None:
        for name, choices in ENCODER_CHOICES.items():
            lookup(name, getattr(self, name), dict.fromkeys(choices))
        for name, least in (("features", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} is {value!r}; give an integer of at least {least}")
        if not 0.0 <= self.threshold < 1.0:
            raise ValueError(f"threshold is {self.threshold!r}; give a number in [0, 1)")

    def check_read_by(self, encoder: str) -> None:
        """Check that an encoder reads every option that differs from its default.

        Raises:
            ValueError: It does not read one; the message lists those it reads.
        """
        reads = ENCODERS[encoder].reads
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default and field.name not in reads:
                raise ValueError(
                    f"{field.name} is {value!r}, which the encoder {encoder} does not use; "
                    f"it uses: {', '.join(sorted(reads)) or 'no option'}"
                )
