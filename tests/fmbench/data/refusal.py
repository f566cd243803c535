"""What every refusal of demonstrations has in common."""

from pathlib import Path

import pytest

from fmbench.data.store import load_demonstrations
from fmbench.errors import FmbenchError


def refused(folder: Path, message: str) -> None:
    """Check that demonstrations of PressEither are refused in one line that names the folder."""
    with pytest.raises(FmbenchError, match=message) as caught:
        load_demonstrations(folder, "PressEither")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert str(folder) in str(caught.value)
