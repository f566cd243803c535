"""Scripts of others that a page may hold; they are read from installed packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fmbench.errors import FmbenchError

INSTALL = "install it with: pip install -c constraints.txt -e '.[report]'"


def _plotly() -> str:
    """Return the text of plotly.js (MIT), as the package plotly brings it."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise FmbenchError(f"the report needs the package plotly; {INSTALL}") from None
    return str(get_plotlyjs())


LIBRARIES: Mapping[str, Callable[[], str]] = {"plotly": _plotly}
"""Name of a script to what reads its text."""
