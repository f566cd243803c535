"""A folder that is damaged, read and restored, many times."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from tests.fmbench.storage.damages import Damage

MAX_LINE = 2100


class DamagedFolder:
    """A folder with good files, of which some are damaged for one example.

    Args:
        folder: The folder.
        names: The files that may be damaged, by path relative to the folder.
        read: Reads the folder and returns all of its numbers, as text.
    """

    def __init__(self, folder: Path, names: Sequence[str], read: Callable[[Path], str]) -> None:
        self.folder, self.names, self.read = folder, list(names), read
        self.good = {name: (folder / name).read_bytes() for name in names}
        self.numbers = read(folder)
        self.accepted = self.refused = 0

    def restore(self) -> None:
        """Write the good files again where they differ."""
        for name, data in self.good.items():
            if (self.folder / name).read_bytes() != data:
                (self.folder / name).write_bytes(data)

    def damage(self, changes: Sequence[tuple[str, Damage]]) -> bool:
        """Restore the folder, then damage it; return whether a byte differs."""
        self.restore()
        for name, damage in changes:
            path = self.folder / name
            path.write_bytes(damage(path.read_bytes()))
        return any((self.folder / name).read_bytes() != self.good[name] for name, _ in changes)

    def outcome(self) -> str | None:
        """Return the numbers that are read; None if they are refused in one line."""
        try:
            numbers = self.read(self.folder)
        except FmbenchError as error:
            check_line(str(error))
            self.refused += 1
            return None
        self.accepted += 1
        return numbers


def check_line(message: str) -> None:
    """Check that a message is one line that a reader can read."""
    assert len(message.splitlines()) == 1, message
    assert len(message) < MAX_LINE, message
    assert not re.search(r"Traceback|object at 0x", message), message
    json.dumps(message).encode()
    message.encode()
