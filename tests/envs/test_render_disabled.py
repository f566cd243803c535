"""Rendering that is switched off is an error, however often it is tried."""

import pytest

from envs.registry import make_task
from envs.render import DISABLED, TaskRenderer


@pytest.mark.parametrize("value", DISABLED)
def test_disabled_rendering_is_an_error_each_time(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", value)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="MUJOCO_GL disables rendering"):
            TaskRenderer(make_task("PressEither"), 8, 8)
