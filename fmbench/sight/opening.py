"""The renderer and the encoder with which the policies of a run see one task."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.cameras import MAIN
from envs.pictures.renderer import PictureRenderer
from envs.registry import make_task
from envs.task import Task
from fmbench.config import FEATURES, PIXELS, STATE, RunConfig
from fmbench.config.observations import OPTION_FIELDS
from fmbench.errors import FmbenchError
from fmbench.sight.drawing import open_cameras, sight_line
from fmbench.sight.eyes import Eyes
from fmbench.storage.hashes import sha256_file
from policies.catalogue import ENCODERS
from policies.encoders import EncoderOptions, FrozenEncoder, PictureEncoder, make_encoder
from policies.encoders.shape import PictureShape
from policies.encoders.weight_files import SUFFIX, read_shapes


@dataclass(frozen=True)
class Sight:
    """What the policies of a run see a task with.

    Attributes:
        task: The task.
        cameras: Names of the cameras.
        renderer: An open renderer of these cameras.
        encoder: The encoder, untrained or with its weights.
        identity: What the numbers that a policy sees depend on, in one line: renderer, cameras,
            and a hash of everything else.
        device: The device on which features are extracted.
    """

    task: Task
    cameras: tuple[str, ...]
    renderer: PictureRenderer
    encoder: PictureEncoder
    identity: str
    device: str

    @property
    def eyes(self) -> Eyes:
        """What draws states, and extracts features where those are seen."""
        return Eyes(self.renderer, self.extractor, self.device)

    @property
    def extractor(self) -> FrozenEncoder | None:
        """The frozen encoder whose features are seen; None if pictures are seen."""
        return self.encoder if isinstance(self.encoder, FrozenEncoder) else None

    @property
    def seen_dim(self) -> int:
        """Numbers that are seen at one control step: stored features, or pixels."""
        extractor = self.extractor
        return extractor.raw_dim if extractor else math.prod(self.encoder.shape.dims)

    @property
    def agent_dim(self) -> int:
        """Numbers that are observed beside them."""
        return self.task.agent_dim


class Sights:
    """The sights of a run's tasks; one at a time is open.

    Args:
        config: The run.

    Attributes:
        identities: Task to the identity of its sight; empty if policies observe the state.

    Raises:
        FmbenchError: A camera, a size, an option or a file of weights is not accepted, or the
            renderer does not start here.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._open: Sight | None = None
        self._encoders: dict[PictureShape, tuple[PictureEncoder, str]] = {}
        self.identities: dict[str, str] = {}
        _check_weights_file(config)
        for task in config.task if config.observation != STATE else ():
            sight = self.of(task)
            assert sight is not None
            self.identities[task] = sight.identity

    def of(self, task: str) -> Sight | None:
        """Return the sight of a task, which is open until that of another one is asked for."""
        if self._config.observation == STATE:
            return None
        if self._open is None or self._open.task.name != task:
            self.close()
            self._open = self._opened(make_task(task))
        return self._open

    def close(self) -> None:
        """Free what the renderer holds."""
        if self._open is not None:
            self._open.renderer.close()
            self._open = None

    def _opened(self, task: Task) -> Sight:
        config = self._config
        cameras = config.cameras or (MAIN, *task.cameras)
        size = config.image_size
        renderer = open_cameras(task, cameras, size, config.renderer)
        try:
            encoder, encoder_facts = self._encoder(PictureShape(len(cameras), size, size))
        except BaseException:
            renderer.close()
            raise
        identity = sight_line(renderer, cameras, size, encoder_facts)
        encoder.to(config.device)
        return Sight(task, cameras, renderer, encoder, identity, config.device)

    def _encoder(self, shape: PictureShape) -> tuple[PictureEncoder, str]:
        """Return the encoder of pictures of a shape, built once, and what decides its numbers."""
        if shape not in self._encoders:
            config = self._config
            name = str(config.encoder)
            try:
                encoder = make_encoder(name, shape, encoder_options(config))
                facts = _facts(config, encoder)
            except ValueError as error:
                if ENCODERS[name].files:  # whoever loaded them tells where they failed
                    raise
                raise FmbenchError(f"--encoder is {name}; {error}") from None
            if isinstance(encoder, FrozenEncoder) != (config.observation == FEATURES):
                kind = "frozen" if encoder.frozen else "trained"
                raise FmbenchError(
                    f"--encoder is {name}, which is {kind}; give --observation "
                    f"{FEATURES if encoder.frozen else PIXELS}"
                )
            self._encoders[shape] = encoder, facts
        return self._encoders[shape]


def _check_weights_file(config: RunConfig) -> None:
    """Check that weights are in a file of tensors alone, before anything is imported or opened.

    Raises:
        FmbenchError: They are not.
    """
    weights = config.encoder_weights
    if weights is None:
        return
    if Path(weights).suffix != SUFFIX:
        raise FmbenchError(
            f"--encoder-weights is {weights}; give a file that ends in {SUFFIX} "
            "(python -m fmbench.detector --import makes it of a detector's .pt)"
        )
    if not Path(weights).is_file():
        raise FmbenchError(f"--encoder-weights is {weights}, which is no file; give one that is")
    try:
        read_shapes(weights)
    except ValueError as error:
        raise FmbenchError(f"--encoder is {config.encoder}; {error}") from None


def encoder_options(config: RunConfig) -> EncoderOptions:
    """Return the options of a run's encoder."""
    reads = ENCODERS[str(config.encoder)].reads
    values: dict[str, Any] = {
        option: getattr(config, field)
        for field, option in OPTION_FIELDS.items()
        if option in reads and getattr(config, field) is not None
    }
    if "frozen" in reads:
        values["frozen"] = config.observation == FEATURES
    return EncoderOptions(**values)


def _facts(config: RunConfig, encoder: PictureEncoder) -> str:
    """Return what of an encoder decides numbers besides the run's configuration."""
    if isinstance(encoder, FrozenEncoder):
        return encoder.fingerprint()
    weights = [sha256_file(Path(config.encoder_weights))] if config.encoder_weights else []
    return " ".join([*weights, *sorted(ENCODERS[str(config.encoder)].files.values())])
