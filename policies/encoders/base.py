"""The two kinds of encoder: trained end to end, and frozen with features that can be stored."""

import hashlib
import math
import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn

from policies.encoders.feature_head import FeatureHead
from policies.encoders.shape import PictureShape
from policies.threads import one_thread

Network = TypeVar("Network", bound=nn.Module)

EXTRACT_ROWS = 16
"""Rows of every extraction on a CPU; fixed, because kernels round differently at other sizes."""
DEVICE_EXTRACT_ROWS = 128
"""Rows of every extraction elsewhere, where small blocks would wait for their launches."""


class EncoderError(ValueError):
    """An encoder is built as something else, or gives other numbers than it must."""


class PictureEncoder(nn.Module, ABC):
    """Maps the pictures of one control step to the numbers that the policy sees.

    Args:
        shape: The shape of the pictures.
        feature_dim: Numbers of one control step.

    Attributes:
        frozen: Whether it is a `FrozenEncoder`.
    """

    frozen: ClassVar[bool] = False

    def __init__(self, shape: PictureShape, feature_dim: int) -> None:
        super().__init__()
        self.shape, self.feature_dim = shape, feature_dim

    @abstractmethod
    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures `(N, cameras, height, width, 3)` uint8 to `(N, feature_dim)`.

        Raises:
            ValueError: The pictures have another shape or type.
        """


class FrozenEncoder(PictureEncoder):
    """An encoder whose features do not change in training: `extract` once, train `head`.

    A policy that stores the features needs `head` alone. Nothing outside `head` has a gradient,
    stays in evaluation mode, and computes in float32 whatever the precision of training.

    Args:
        shape: The shape of the pictures.
        raw_dim: Numbers of one control step before `head`.
        head: Maps `(N, raw_dim)` to `(N, feature_dim)`.

    Attributes:
        head: The trained part.
        settings: What the features depend on besides tensors, in values with a plain `repr`.
    """

    frozen = True
    threads_safely: ClassVar[bool] = True
    """Whether several threads may compute at once."""

    def __init__(self, shape: PictureShape, raw_dim: int, head: FeatureHead) -> None:
        super().__init__(shape, head.feature_dim)
        self.raw_dim, self.head = raw_dim, head
        self.settings: dict[str, object] = {}

    @abstractmethod
    def compute(self, pictures: Tensor) -> Tensor:
        """Map checked pictures `(N, cameras, height, width, 3)` uint8 to `(N, raw_dim)` numbers."""

    @torch.no_grad()
    def extract(self, pictures: Tensor) -> Tensor:
        """Return the features `(N, raw_dim)` of pictures in half precision, without a gradient.

        On a CPU the bytes of a row depend neither on the other rows, nor on their number and order,
        nor on the number of threads.

        Raises:
            ValueError: The pictures have another shape or type.
            EncoderError: The features have another shape, or one is not finite in half
                precision.
        """
        self.shape.check(pictures)
        on_cpu = pictures.device.type == "cpu"
        rows = EXTRACT_ROWS if on_cpu else DEVICE_EXTRACT_ROWS
        raw = pictures.new_empty((len(pictures), self.raw_dim), dtype=torch.float16)

        @torch.no_grad()
        def fill(start: int) -> None:
            block = pictures[start : start + rows]
            count = len(block)
            last = block[-1:].expand(rows - count, *self.shape.dims)
            with torch.autocast(pictures.device.type, enabled=False):
                computed = self.compute(torch.cat((block, last)))
            if computed.shape != (rows, self.raw_dim):
                raise EncoderError(
                    f"{type(self).__name__} gives {tuple(computed.shape)} for {rows} rows of "
                    f"pictures; return ({rows}, {self.raw_dim}) numbers"
                )
            raw[start : start + count] = computed[:count]

        starts = range(0, len(pictures), rows)
        if not on_cpu or len(starts) < 2 or not self.threads_safely:
            with one_thread():
                for start in starts:
                    fill(start)
        else:  # each block on one thread, several blocks at once
            with one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(fill, starts))
        if not raw.isfinite().all():
            raise EncoderError(
                f"{type(self).__name__} gives NaN, infinity or numbers beyond 65504; "
                "give weights or a function with finite features"
            )
        return raw

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `PictureEncoder`."""
        features: Tensor = self.head(self.extract(pictures))
        return features

    def train(self, mode: bool = True) -> "FrozenEncoder":
        """Set the mode of `head`; everything else stays in evaluation mode."""
        super().train(mode)
        for name, module in self.named_children():
            if name != "head":
                module.eval()
        return self

    @torch.no_grad()
    def fingerprint(self) -> str:
        """Return a sha256 that changes with anything the features depend on, for names of caches.

        It covers the frozen tensors, the settings and the features of fixed pictures, hence also
        library versions and devices that round differently.
        """
        facts = (type(self).__qualname__, self.shape, sorted(self.settings.items()))
        digest = hashlib.sha256(repr(facts).encode())
        device = torch.device("cpu")
        for name, tensor in self.state_dict().items():
            if not name.startswith("head."):
                device = tensor.device
                digest.update(name.encode())
                digest.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        digest.update(self.extract(fixed_pictures(self.shape).to(device)).cpu().numpy().tobytes())
        return digest.hexdigest()


def fixed_pictures(shape: PictureShape) -> Tensor:
    """Return two rows of pictures, always the same ones, of many values."""
    sizes = (2, *shape.dims)
    return (torch.arange(math.prod(sizes)) ** 2 % 251).to(torch.uint8).reshape(sizes)


def channels_last(network: Network) -> Network:
    """Lay out the weights of convolutions for a CPU, where they take a quarter less time."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def freeze(network: Network) -> Network:
    """Set a network to evaluation mode with parameters that are not trained, and return it."""
    network.requires_grad_(requires_grad=False).eval()
    return network
