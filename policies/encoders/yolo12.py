"""Grid features of a trained YOLO12 (extra `yolo`: ultralytics, AGPL-3.0), frozen.

ultralytics is imported by `policies.encoders.yolo_network` alone, when an encoder is built.
"""

from policies.encoders.grid import GridEncoder
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.registry import load

NETWORK = "policies.encoders.yolo_network"


def build(shape: PictureShape, options: EncoderOptions) -> GridEncoder:
    """Build the encoder `yolo12`: the maps at strides 8, 16 and 32 that its head would see.

    Raises:
        ValueError: The extra or the weights are missing, or the file does not fit.
    """
    check_weights("yolo12", options.weights)
    detector, _ = load(f"{NETWORK}:load_detector", "yolo")(options.weights)
    return GridEncoder(shape, load(f"{NETWORK}:YoloMaps", "yolo")(detector), options)


def check_weights(encoder: str, weights: str) -> None:
    """Check that a file is given.

    Raises:
        ValueError: None is.
    """
    if not weights:
        raise ValueError(
            f"weights is empty; the encoder {encoder} needs the safetensors file of a trained "
            "detector, nothing is downloaded"
        )
