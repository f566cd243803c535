"""Vision transformers of timm with weights from the user's file, trained further or frozen.

Nothing is downloaded. timm itself takes a file of another architecture without an error and leaves
random weights where it fits nothing, so the names in the file are compared first. All cameras share
one network. Pictures are normalised as the model's own configuration says.
"""

import difflib
from typing import Any

import timm
import torch
from torch import Tensor, nn

from policies.encoders.base import PictureEncoder
from policies.encoders.grid import GridEncoder, Maps
from policies.encoders.heads import FlatHead
from policies.encoders.pixels import unit
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.encoders.weight_files import check_names, read_shapes

HEAD_CHANNELS = 16
"""Channels of a map before it is flattened."""
IGNORED = ("mask_token",)
"""Tensors of published files, besides the classifier, that no map depends on."""


class TimmMaps(nn.Module):
    """The patch tokens of a timm model as one map.

    Args:
        name: The name of the model in timm.
        weights: Path of its safetensors file; empty for initial weights from torch's global
            generator.
        shape: The shape of the pictures; height and width are multiples of the model's patch.

    Attributes:
        channels: Channels of the map.
        rows: Rows of the map.
        columns: Columns of the map.

    Raises:
        ValueError: The name is unknown or no vision transformer, a size does not fit, or the file
            does not hold the weights of the model.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, weights: str, shape: PictureShape) -> None:
        super().__init__()
        patch = _checked_patch(name, weights, shape)
        self.model = _create(name, weights, shape)
        self.channels = int(self.model.num_features)
        self.rows, self.columns = shape.height // patch[0], shape.width // patch[1]
        for key, entry in (("mean", "mean"), ("deviation", "std")):
            value = torch.tensor(self.model.pretrained_cfg[entry]).reshape(-1, 1, 1)
            self.register_buffer(key, value, persistent=False)

    def forward(self, pictures: Tensor) -> Maps:
        """Return the one map of pictures `(N, H, W, 3)` uint8."""
        tokens = self.model.forward_features((unit(pictures) - self.mean) / self.deviation)
        patches = tokens[:, self.model.num_prefix_tokens :].transpose(1, 2)
        return (patches.unflatten(2, (self.rows, self.columns)),)


class TimmEncoder(PictureEncoder):
    """A timm model that is trained, with one flat head per camera.

    Args:
        shape: The shape of the pictures.
        network: The model, shared by the cameras.
        features: Numbers per camera.
    """

    def __init__(self, shape: PictureShape, network: TimmMaps, features: int) -> None:
        super().__init__(shape, shape.cameras * features)
        self.network = network
        cells = network.rows * network.columns
        self.heads = nn.ModuleList(
            FlatHead(network.channels, cells, features, HEAD_CHANNELS) for _ in range(shape.cameras)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `PictureEncoder`."""
        self.shape.check(pictures)
        (maps,) = self.network(pictures.flatten(0, 1))
        by_camera = maps.unflatten(0, (len(pictures), self.shape.cameras)).unbind(1)
        parts = [head(each) for head, each in zip(self.heads, by_camera, strict=True)]
        return torch.cat(parts, dim=1)


def build(shape: PictureShape, options: EncoderOptions) -> PictureEncoder:
    """Build the encoder `vit` as a timm model.

    Raises:
        ValueError: See `TimmMaps`. Or it is frozen without weights.
    """
    if options.frozen and not options.weights:
        raise ValueError("frozen is True without weights; give the model's safetensors file")
    network = TimmMaps(options.model, options.weights, shape)
    if options.frozen:
        return GridEncoder(shape, network, options)
    if options.grid != EncoderOptions().grid:
        raise ValueError(f"grid is {options.grid!r}, which needs frozen weights; give frozen, too")
    return TimmEncoder(shape, network, options.features)


def _checked_patch(name: str, weights: str, shape: PictureShape) -> tuple[int, int]:
    """Return the patch of a model, after everything that timm does not check."""
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(f"unknown model of timm {name!r}; {hint}timm.list_models() has them all")
    model: Any = timm.create_model(name, pretrained=False, num_classes=0)
    if not hasattr(model, "patch_embed") or not hasattr(model, "num_prefix_tokens"):
        raise ValueError(
            f"model is {name!r}, which has no patch tokens; "
            "give a vision transformer, e.g. vit_small_patch14_dinov2"
        )
    rows, columns = model.patch_embed.patch_size
    shape.need_multiple(max(rows, columns), f"{name} (patch {rows} x {columns})")
    if not weights:
        return rows, columns
    classifier = model.pretrained_cfg["classifier"]
    ignored = (classifier,) if isinstance(classifier, str) else tuple(classifier or ())
    check_names(weights, read_shapes(weights), model.state_dict(), name, (*ignored, *IGNORED))
    return rows, columns


def _create(name: str, weights: str, shape: PictureShape) -> Any:
    """Return a model with the weights of a file, positions resampled to the pictures' size."""
    from_file = {"pretrained": True, "pretrained_cfg_overlay": {"file": weights}} if weights else {}
    size = (shape.height, shape.width)
    try:
        model: Any = timm.create_model(name, num_classes=0, img_size=size, **from_file)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{weights} does not hold the weights of {name}: {reason}") from error
    tensors = model.state_dict() if weights else {}  # initial ones may be on the meta device
    bad = next((key for key, value in tensors.items() if not value.isfinite().all()), "")
    if bad:
        raise ValueError(f"{weights} contains NaN or infinity in {bad}; give finite weights")
    return model
