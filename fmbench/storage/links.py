"""Symbolic links inside a run folder: none may lead out of it."""

import os
from pathlib import Path

from fmbench.errors import FmbenchError


def check_links_inside(folder: Path) -> None:
    """Check that no symbolic link below a folder leads out of it; the folder itself may be one.

    Raises:
        FmbenchError: One does, or leads nowhere.
    """
    inside = Path(os.path.realpath(folder))
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                continue
            try:
                target = Path(os.path.realpath(path, strict=True))
            except OSError as error:
                raise FmbenchError(
                    f"{path} is a symbolic link that leads nowhere ({error.strerror}); delete it"
                ) from None
            if not target.is_relative_to(inside):
                raise FmbenchError(
                    f"{path} is a symbolic link out of the folder, to {os.readlink(path)}; "
                    "replace it by what it leads to, or link the whole folder"
                )
