"""The formats of single files: their ending, how they are made, and how they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fmbench.portable.facts import PolicyFacts
from policies.chunk_function import ChunkFunction

Encode = Callable[[ChunkFunction, Mapping[str, str], str], bytes]
"""`(function, texts to store with it, its name for messages) -> the file's bytes`."""


class FileFormat(NamedTuple):
    """A format of a single file.

    Attributes:
        key: Name of the text in the file that holds the policy's facts.
        load: Imports what makes the file's bytes.
        use: `(file, arguments) -> how it is used`, in Markdown.
    """

    key: str
    load: Callable[[], Encode]
    use: Callable[[str, str], str]

    def how_to_use(self, file: str, facts: PolicyFacts) -> str:
        """Return how a file is used, in Markdown.

        Args:
            file: Its name.
            facts: The policy's facts.
        """
        return self.use(file, ", noise" if facts.use.noise else "")


def _torch() -> Encode:
    from fmbench.portable.torch_file import torch_bytes

    return torch_bytes


def _onnx() -> Encode:
    from fmbench.portable.onnx_file import onnx_bytes  # the extra onnx

    return onnx_bytes


def _use_torch(file: str, noise: str) -> str:
    return f"""\
With torch alone, of the version below or a later one:

```python
import torch

chunk = torch.export.load("{file}").module()
actions = chunk(observations{noise})  # tensors of float32, see below
```

This card's facts are in the file, as JSON: `texts = {{"fmbench.json": ""}}`, then
`torch.export.load("{file}", extra_files=texts)` fills it."""


def _use_onnx(file: str, noise: str) -> str:
    given = '"observations": observations' + (', "noise": noise' if noise else "")
    return f"""\
With onnxruntime and numpy alone:

```python
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
(actions,) = session.run(None, {{{given}}})  # arrays of float32, see below
```

This card's facts are in the file, as JSON:
`session.get_modelmeta().custom_metadata_map["fmbench"]`."""


FILE_FORMATS = {
    "torch-export": FileFormat("fmbench.json", _torch, _use_torch),
    "onnx": FileFormat("fmbench", _onnx, _use_onnx),
}
