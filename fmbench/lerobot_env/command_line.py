"""What LeRobot's command line says of the policy: its checkpoint, and its data set."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from lerobot.configs import parser

from fmbench.errors import FmbenchError
from fmbench.lerobot import layout
from fmbench.lerobot.conventions import data_set_of
from fmbench.lerobot_policy.checkpoint import CONFIG, PRE, TRAINING
from fmbench.lerobot_policy.data_set import check_statistics
from fmbench.storage.files import read_json


def data_set(given: str | None) -> Path:
    """Return the data set that is given, or that the command line or the checkpoint names.

    Raises:
        FmbenchError: None is, or the policy of the command line was trained on another one.
    """
    if root := given or parser.parse_arg("dataset.root"):
        folder = Path(root)
    else:
        folder = _data_set_of_checkpoint()
    if not (folder / layout.INFO_FILE).is_file():
        raise FmbenchError(
            f"{folder} has no {layout.INFO_FILE}; give the data set on which the policy was "
            "trained, by --env.dataset=DIR"
        )
    checkpoint = _checkpoint()
    if checkpoint is not None and parser.parse_arg("dataset.root") is None:
        check_statistics(checkpoint, folder, "--env.dataset=DIR")
    return folder


def observed_features() -> dict[str, Any] | None:
    """Return the features that the policy of the command line observes, by LeRobot's names.

    Returns:
        Them; None if they are not known, or `rename_map` gives what is observed other names.
    """
    checkpoint = _checkpoint()
    if checkpoint is None or parser.parse_arg("rename_map") is not None:
        return None
    return dict(read_json(checkpoint / CONFIG).get("input_features") or {})


def check_observations(offered: Collection[str], image_size: int) -> None:
    """Check that the policy of the command line observes nothing but what an environment has.

    Args:
        offered: LeRobot's names of what it has.
        image_size: Rows and columns of its pictures.

    Raises:
        FmbenchError: It observes something else, or pictures of another size, which LeRobot would
            let it do, and `rename_map` gives nothing another name.
    """
    checkpoint, observed = _checkpoint(), observed_features()
    if observed is None:
        return
    if missing := [name for name in observed if name not in offered]:
        raise FmbenchError(
            f"{checkpoint} observes {', '.join(missing)}; the environment has "
            f"{', '.join(name for name in offered if name != layout.ACTION)}: give the cameras of "
            "its pictures, e.g. --env.cameras='[main]', or --rename_map"
        )
    for name, feature in observed.items():
        if name.startswith(layout.IMAGES) and feature["shape"] != [3, image_size, image_size]:
            raise FmbenchError(
                f"{checkpoint} observes {name} of the shape {feature['shape']}; the environment "
                f"draws [3, {image_size}, {image_size}]: give --env.image_size="
                f"{feature['shape'][-1]}, the size of the data set of the policy"
            )


def _checkpoint() -> Path | None:
    """Return the folder of the policy of the command line; None if it is none of this machine."""
    named = parser.get_path_arg("policy")
    return Path(named) if named and (Path(named) / PRE).is_file() else None


def _data_set_of_checkpoint() -> Path:
    checkpoint = _checkpoint()
    path = checkpoint / TRAINING if checkpoint else None
    folder = data_set_of(read_json(path)) if path and path.is_file() else None
    if folder is None or not (folder / layout.INFO_FILE).is_file():
        named = f"the checkpoint names {folder}, which is not here" if folder else "none is named"
        raise FmbenchError(
            f"the data set of the policy is not known ({named}): give --env.dataset=DIR, whose "
            "meta/info.json says how the environment state is scaled"
        )
    return folder
