"""H.264 films of pictures, made in memory.

The only module that imports PyAV, a package of the extra `export`.
"""

import io
from collections.abc import Iterable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

CRF = "18"
"""Quality: with it, pictures of the tasks come back within a few grey levels."""
KEY_FRAME_EVERY = "2"
"""As in LeRobot's own films: a frame is found by decoding two at most."""
PIXELS = "yuv420p"


def encode_film(pictures: Iterable[NDArray[np.uint8]], size: int, fps: int) -> bytes:
    """Return an mp4 file of pictures, each `(size, size, 3)`, at a constant rate.

    One thread encodes: with several, the bytes depend on their number.

    Args:
        pictures: The pictures, in order.
        size: Rows and columns, an even number.
        fps: Pictures in a second.
    """
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width = stream.height = size
        stream.pix_fmt = PIXELS
        stream.options = {"crf": CRF, "g": KEY_FRAME_EVERY}
        stream.codec_context.thread_count = 1
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()
