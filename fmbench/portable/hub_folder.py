"""A folder for the Hugging Face Hub: weights, configuration and card, and how it is read again."""

from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.portable.card import card
from fmbench.portable.facts import PolicyFacts
from fmbench.storage.artefacts import publish, staged_folder
from fmbench.storage.files import encode_json, read_json, write_new
from fmbench.storage.hashes import sha256_file
from fmbench.storage.sealed_json import is_intact, with_seal
from fmbench.training.checkpoints import policy_with_weights
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

KIND = "policy for the Hub"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
SEAL = "config_sha256"
"""Hash of everything else in `config.json`, which holds that of the weights."""
SHAPE = "policy_config"
"""The key in `config.json` of what the network is built from."""
USE = """\
With fmbench:

```python
from fmbench.portable.hub_folder import open_hub_folder

policy, facts = open_hub_folder("FOLDER")  # a download of this repository
```

`policies.ChunkActor` then acts with it, with the sampler and steps in `facts["use"]`; see
`docs/take_away.md` of fmbench. Loading verifies the hashes in `config.json`."""


def write_hub_folder(
    out: Path, weights: Path, config: ChunkPolicyConfig, facts: PolicyFacts
) -> None:
    """Write the folder, complete or not at all.

    Args:
        out: The folder; it may exist if it is empty.
        weights: The checkpoint's file of averaged weights, which is copied as it is.
        config: What the policy is built from.
        facts: What it states.

    Raises:
        RunFailed: The disk is full.
    """
    with staged_folder(out) as staging:
        write_new(staging / WEIGHTS, weights.read_bytes())
        values = with_seal({**facts.to_json(), SHAPE: config.to_json()}, SEAL)
        write_new(staging / CONFIG, encode_json(values, out / CONFIG))
        write_new(staging / CARD, card(facts, USE).encode())
        publish(staging, out, KIND, {"name": facts.name})


def open_hub_folder(folder: Path | str) -> tuple[ChunkPolicy, dict[str, object]]:
    """Verify and load the policy of a folder that `write_hub_folder` wrote.

    Args:
        folder: The folder, or a download of the repository to which it was uploaded, where other
            files may lie beside.

    Returns:
        The policy, in evaluation mode, and what `config.json` states.

    Raises:
        FmbenchError: A file is missing, was changed, or does not fit the others.
    """
    place = Path(folder) / CONFIG
    values = read_json(place)
    if not is_intact(values, SEAL):
        raise FmbenchError(f"{place} is not as python -m fmbench.export --format hub wrote it")
    try:
        config = ChunkPolicyConfig.from_json(values[SHAPE])
    except (TypeError, ValueError) as error:  # of another fmbench, or a plug-in that is missing
        raise FmbenchError(f"{place}: {error}") from error
    weights = Path(folder) / WEIGHTS
    if weights.is_file() and sha256_file(weights) != values["training"]["weights_hash"]:
        raise FmbenchError(f"{weights} was changed after it was written (sha256 differs)")
    return policy_with_weights(config, weights), values
