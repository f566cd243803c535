"""Scripts of others that a page may hold; they are read from installed packages."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from fmbench.errors import FmbenchError

INSTALL = "install it with: pip install -c constraints.txt -e '.[report]'"


def check_libraries() -> None:
    """Check that the packages are installed, without importing them.

    Raises:
        FmbenchError: One is not; the message says how to install it.
    """
    for name in LIBRARIES:
        if importlib.util.find_spec(name) is None:
            raise FmbenchError(f"the report needs the package {name}; {INSTALL}")


def _plotly() -> str:
    """Return the text of plotly.js (MIT), as the package plotly brings it."""
    check_libraries()
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


LIBRARIES: Mapping[str, Callable[[], str]] = {"plotly": _plotly}
"""Name of a script, which is that of its package, to what reads its text."""
