"""The described hands that tests load, and a small fourth one that tests write."""

import os
from functools import cache
from pathlib import Path

import pytest

from envs.hand.catalogue import HANDS, find_hand
from envs.hand.description import Finger, Hand
from envs.hand.model_files import ROOT_VARIABLE, ModelFile
from envs.registry import TASKS, has_extra

NO_MODELS = (
    "no models of real hands: set MENAGERIE_ROOT, or put a copy of MuJoCo Menagerie's hands into "
    "../shared/menagerie, or pip install 'fmbench[hands]'"
)
REAL = ("shadow", "allegro", "leap")


@cache
def missing_models() -> str:
    """Return why a test with the mark `real_hand` is skipped, or ""; models are downloaded here.

    A copy that MENAGERIE_ROOT names must be complete: then tests fail instead.
    """
    if os.environ.get(ROOT_VARIABLE):
        return ""
    try:
        for name in REAL:
            find_hand(name).source.digest()
    except ValueError as error:
        return f"{NO_MODELS} ({error})"
    return ""


def can_make(name: str) -> bool:
    """Return whether the extra, or the model of the hand, of a task is here."""
    return has_extra(name) and not (TASKS[name].hand and missing_models())


def case(name: str) -> object:
    """Return a parameter that is skipped where the hand's model is not there."""
    return pytest.param(name, marks=pytest.mark.real_hand if name in REAL else ())


every_hand = pytest.mark.parametrize("name", [case(name) for name in HANDS])
every_real_hand = pytest.mark.parametrize("name", [case(name) for name in REAL])

CLAW = """
<mujoco model="claw">
  <compiler angle="degree"/>
  <option cone="elliptic" impratio="5"/>
  <default>
    <joint damping="0.05" armature="0.001"/>
    <geom type="capsule" size="0.008" mass="0.03"/>
    <position kp="2" kv="0.05" inheritrange="1"/>
  </default>
  <worldbody>
    <body name="base">
      <geom type="box" size="0.03 0.03 0.01" mass="0.2"/>
      <body name="t1" pos="0 0.05 -0.01">
        <joint name="t_turn" axis="1 0 0" range="-60 60"/>
        <joint name="t_bend" axis="0 1 0" range="-10 100"/>
        <geom fromto="0 0 0 0 0 -0.05"/>
        <body name="t2" pos="0 0 -0.05">
          <joint name="t_end" axis="0 -1 0" range="0 90"/>
          <geom fromto="0 0 0 0 0 -0.04"/>
        </body>
      </body>
      <body name="f1" pos="0.06 -0.02 -0.01">
        <joint name="f_side" axis="0 0 1" range="-30 30"/>
        <joint name="f_bend" axis="0 1 0" range="-20 90"/>
        <geom fromto="0 0 0 0.05 0 0"/>
        <body name="f2" pos="0.05 0 0">
          <joint name="f_end" axis="0 1 0" range="0 90"/>
          <geom fromto="0 0 0 0.04 0 0"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position name="t_turn" joint="t_turn"/>
    <position name="t_bend" joint="t_bend"/>
    <position name="t_end" joint="t_end"/>
    <position name="f_side" joint="f_side"/>
    <position name="f_bend" joint="f_bend"/>
    <position name="f_end" joint="f_end"/>
  </actuator>
</mujoco>
"""
"""A hand of a thumb and one finger."""


def claw(folder: Path, old: str = "", new: str = "", **fields: object) -> Hand:
    """Write the small hand and describe it.

    Args:
        folder: Where to write its model.
        old: Text of the model to replace, if not empty.
        new: What to put there.
        fields: Fields of the description that differ.
    """
    assert not old or old in CLAW
    path = folder / "claw.xml"
    path.write_text(CLAW.replace(old, new) if old else CLAW, encoding="utf-8")
    values = {
        "name": "claw",
        "source": ModelFile(path),
        "palm": "base",
        "axes": ("x", "y", "z"),
        "fingers": {
            "thumb": Finger("t2", 0.008, (0.0, 0.0, -0.04)),
            "index": Finger("f2", 0.008, (0.04, 0.0, 0.0)),
        },
        "opposing": (("thumb", "index"),),
        "neutral": {"*_bend": 0.4, "*_end": 0.4},
        "pregrasp": {"*_bend": 0.2, "*_end": 0.6},
    }
    return Hand(**(values | fields))  # type: ignore[arg-type]
