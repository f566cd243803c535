"""Programs in processes of their own that cannot import what is not there on another machine."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REFUSE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
for name in REFUSED:
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported")
"""
OURS = ("fmbench", "envs", "policies")


def run_elsewhere(
    folder: Path, program: str, refused: Sequence[str] = OURS, paths: Sequence[str] = ()
) -> str:
    """Run a program in a folder, without the packages `refused`; return what it prints.

    Args:
        folder: The working directory.
        program: Its source.
        refused: Packages that cannot be imported.
        paths: Further folders of packages.
    """
    lines = [f"REFUSED = {tuple(refused)!r}", REFUSE, f"sys.path += {list(paths)!r}", program]
    lines.append("assert not set(REFUSED) & {name.partition('.')[0] for name in sys.modules}")
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(lines)],
        cwd=folder,
        env={"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def places_of_this_machine() -> list[bytes]:
    """Return texts that no exported file may hold: folders, and the names of user and host."""
    import getpass
    import platform
    import sysconfig
    import tempfile

    root = Path(__file__).resolve().parents[3]
    folders = [Path.cwd(), root, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix)]
    folders += [Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib")]
    texts = [*(str(folder) for folder in folders), "site-packages", platform.node()]
    user = getpass.getuser()
    return [text.encode() for text in (*texts, f"/{user}/", f"user {user}") if len(text) > 2]


def check_no_places(content: bytes) -> None:
    """Check that a file's bytes, not compressed, hold no source file or `places_of_this_machine`.

    The name of a source file has four letters before `.py`: weights may hold those three bytes.
    """
    found = [text for text in places_of_this_machine() if text in content]
    found += re.findall(rb"[A-Za-z_]{4,}\.py", content)
    assert found == [], json.dumps([text.decode() for text in found])
