"""Stages of a user's task, and declarations that are rejected."""

from typing import ClassVar

import numpy as np
import pytest

from envs.stages import Stages, catalogue, stages_of
from envs.tasks.lift_cube import LiftCube
from fmbench.plugins import register_stages
from tests.envs.perturb.block import Block


class HigherCube(LiftCube):
    """A user's variant of a task."""

    tolerance_m: ClassVar[float] = 0.02


class OwnCube(HigherCube):
    """One that has stages of its own."""


def nothing(task: Block, view: object) -> tuple[np.ndarray, ...]:
    """Return the conditions of a task without stages before its success."""
    return ()


def test_a_subclass_has_the_stages_of_its_class_until_it_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "STAGES", dict(catalogue.STAGES))
    cube, own = HigherCube(), OwnCube()
    assert stages_of(cube) is stages_of(own) is stages_of(LiftCube())
    assert stages_of(Block()) is None
    stages: Stages[OwnCube] = Stages(("done",), nothing)
    register_stages(OwnCube, stages)
    assert stages_of(own) is stages
    assert stages_of(cube) is stages_of(LiftCube())
    with pytest.raises(ValueError, match="OwnCube has stages already; register them once"):
        register_stages(OwnCube, stages)
    with pytest.raises(ValueError, match="LiftCube has stages already"):
        register_stages(LiftCube, stages)


@pytest.mark.parametrize("names", [(), ("",), ("a", "a"), ("start", "a"), ("a\n",)])
def test_names_of_stages_are_different_printable_texts(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="give one or more different names"):
        Stages(names, nothing)
