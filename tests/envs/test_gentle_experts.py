"""The oldest experts touch what they move without sinking into it."""

import pytest

from envs.registry import make_task
from tests.envs.expert_runs import drive


@pytest.mark.parametrize("name", ["LiftCube", "PickEither", "PressEither"])
def test_no_contact_is_deeper_than_3_mm(name: str) -> None:
    run = drive(make_task(name), list(range(8)))
    assert all(run.success)
    assert -0.003 < run.deepest < -0.0005
