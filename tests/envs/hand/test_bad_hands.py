"""A description or a model that does not fit is one line that says what to do."""

import re
from pathlib import Path
from typing import Any

import pytest

from envs.hand.catalogue import HANDS, add_hand, find_hand
from envs.hand.description import Finger, Servo
from envs.hand.loading import load_hand
from envs.hand.model_files import ModelFile
from envs.hand.reach import fingertips, reach_fingertips
from tests.envs.hand.described import claw

TWO_FINGERS = {"thumb": Finger("t2", 0.008), "index": Finger("f2", 0.008)}
MODELS = {
    # what to change in the model, and the line that results
    '<position name="f_end" joint="f_end"/>|<motor name="f_end" joint="f_end"/>': (
        r'actuator f_end is not a position servo; make it <position joint="\.\.\." kp="\.\.\."/>'
    ),
    '<position name="f_end" joint="f_end"/>|<velocity name="f_end" joint="f_end" kv="1"/>': (
        "actuator f_end is not a position servo"
    ),
    '<position name="f_end" joint="f_end"/>|': (
        r'nothing moves joint f_end; add <position joint="f_end" kp="\.\.\."/>, or couple it'
    ),
    '<body name="base">|<body name="base"><freejoint name="float"/>': (
        "its root base has a free joint float; remove it: a mount carries the hand"
    ),
    '<body name="base">|<body name="base"><joint name="loose" type="ball"/>': (
        "joint loose is neither a hinge nor a slide"
    ),
    'angle="degree"|angle="radian"': (
        'joint t_turn turns from -60 to 60 rad: its angles are in degrees .*angle="degree"'
    ),
    'inheritrange="1"|ctrlrange="-60 90"': (
        "the control range of actuator t_turn is -60 to 90: MuJoCo reads control ranges in radians"
    ),
    '<body name="base">|<geom name="floor" type="plane" size="1 1 1"/><body name="base">': (
        r"1 bodies \(base\) and 1 geoms at its root; give the file of the hand alone"
    ),
    '<body name="f2"|<body name="f3"': "unknown body of the tip of index 'f2'; known: base, f1, f3",
    '<geom fromto="0 0 0 0.05 0 0"/>|<site name="index_tip"/><geom fromto="0 0 0 0.05 0 0"/>': (
        'its model has a site index_tip already; name it .*site="index_tip"'
    ),
    'size="0.03 0.03 0.01" mass="0.2"|size="0.03 0.03 0.01" mass="-1"': (
        "its model cannot be compiled: .*mass"
    ),
    "<worldbody>|<worldbodies>": r"claw\.xml cannot be read|is damaged",
}
FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"fingers": {}}, 'its description has 0 fingertips; name the thumb .*fingers={"thumb"'),
    ({"fingers": {"thumb": Finger("t2", 0.008)}}, "its description has 1 fingertips"),
    (
        {"fingers": {**TWO_FINGERS, "index": Finger("f2", 8.0)}},
        "radius_m of index is 8.0; .*metres",
    ),
    (
        {"fingers": {**TWO_FINGERS, "index": Finger("f2", 0.008, (0.0, 1.0))}},  # type: ignore[arg-type]
        "tip_m of index is .*give three numbers",
    ),
    (
        {"fingers": {**TWO_FINGERS, "index": Finger("f2", 0.008, site="tip")}},
        "unknown site of the tip of index 'tip'",
    ),
    (
        {"fingers": {**TWO_FINGERS, "index": Finger("base", 0.008)}},
        "no servo moves finger index: there is none between body base and the palm base",
    ),
    ({"palm": "bas"}, "unknown body of the palm 'bas'; did you mean base"),
    ({"axes": ("x", "y", "-z")}, "are not a right-handed frame"),
    ({"axes": ("x", "x", "z")}, "are not a right-handed frame"),
    ({"opposing": (("thumb", "idex"),)}, "unknown opposing finger 'idex'; did you mean index"),
    ({"opposing": ()}, "it names no opposing fingers"),
    ({"mounts": ("palm",)}, "unknown mount 'palm'; did you mean palm_up or palm_down|palm_down"),
    ({"neutral": {"f_bnd": 0.1}}, "unknown actuator of the neutral posture 'f_bnd'; did you mean"),
    (
        {"pregrasp": {"f_bend": 40}},
        "the pregrasp posture has 40 for f_bend; its range is -0.3491 to",
    ),
    ({"name": "my hand"}, "the name of the hand is 'my hand'; give at most 64 letters"),
]


def message(hand: Any) -> str:
    with pytest.raises(ValueError, match=rf"^hand {hand.name}: ") as caught:
        load_hand(hand)
    return str(caught.value)


def test_the_small_hand_itself_is_accepted(tmp_path: Path) -> None:
    hand = claw(tmp_path)
    loaded = load_hand(hand)
    goals = dict(zip(hand.fingers, fingertips(hand, loaded.pregrasp), strict=True))
    posture = reach_fingertips(hand, goals, loaded.neutral)
    assert posture == pytest.approx(loaded.pregrasp, abs=5e-3)  # three servos a finger: unique


@pytest.mark.parametrize("change", MODELS)
def test_a_model_that_does_not_fit(change: str, tmp_path: Path) -> None:
    line = message(claw(tmp_path, *change.split("|")))
    assert re.search(MODELS[change], line), line
    assert "\n" not in line


@pytest.mark.parametrize(("fields", "expected"), FIELDS)
def test_a_description_that_does_not_fit(
    fields: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    line = message(claw(tmp_path, **fields))
    assert re.search(expected, line), line
    assert "\n" not in line


def test_radians_that_are_read_as_degrees(tmp_path: Path) -> None:
    # An MJCF without a compiler's angle is read in degrees, whatever its author meant.
    hand = claw(tmp_path)
    path = tmp_path / "claw.xml"
    ranges = {"-60 60": "-1.05 1.05", "-10 100": "-.2 1.7", "-30 30": "-.5 .5"}
    text = path.read_text()
    for degrees, radians in {**ranges, "-20 90": "-.3 1.6", "0 90": "0 1.6"}.items():
        text = text.replace(f'range="{degrees}"', f'range="{radians}"')
    path.write_text(text.replace('<compiler angle="degree"/>', ""))
    assert "turns by 0.037 rad: its angles are in radians and were read in degrees; add " in (
        message(hand)
    )
    path.write_text(text.replace('angle="degree"', 'angle="radian"'))
    assert load_hand(claw_again(hand)).controls.high[1] == pytest.approx(1.7)


def claw_again(hand: Any) -> Any:
    """Return a copy of a description, whose model is loaded anew."""
    return type(hand)(**{name: getattr(hand, name) for name in hand.__dataclass_fields__})


def test_a_coupled_joint_follows_and_a_curved_coupling_is_refused(tmp_path: Path) -> None:
    servo = '<position name="f_end" joint="f_end"/>\n  </actuator>'
    line = '<equality><joint joint1="f_end" joint2="f_bend" polycoef="0.1 0.5 {} 0 0"/></equality>'
    hand = claw(tmp_path, servo, f"</actuator>{line.format(0)}", neutral={"f_bend": 0.4})
    controls = load_hand(hand).controls
    angles = dict(
        zip(controls.joints.tolist(), controls.angles(load_hand(hand).neutral), strict=True)
    )
    model = load_hand(hand).model
    assert angles[model.joint("f_end").id] == pytest.approx(0.1 + 0.5 * 0.4)
    bent = claw(tmp_path, servo, f"</actuator>{line.format(0.2)}", neutral={"f_bend": 0.4})
    assert "joint f_end is coupled by a curve; couple it by a straight line" in message(bent)


def test_a_missing_model_file(tmp_path: Path) -> None:
    hand = claw(tmp_path, source=ModelFile(tmp_path / "none.xml"))
    assert "there is no model file" in message(hand)


URDF = """<robot name="claw">
  <link name="base"><inertial><mass value="0.2"/>{0}</inertial>
    <collision><geometry><box size="0.06 0.06 0.02"/></geometry></collision></link>
  <link name="t2"><inertial><mass value="0.03"/>{0}</inertial></link>
  <link name="f2"><inertial><mass value="0.03"/>{0}</inertial></link>
  <joint name="t_bend" type="revolute"><parent link="base"/><child link="t2"/>
    <origin xyz="0 0.05 0"/><axis xyz="0 1 0"/>{1}</joint>
  <joint name="f_bend" type="revolute"><parent link="base"/><child link="f2"/>
    <origin xyz="0.06 0 0"/><axis xyz="0 1 0"/>{1}</joint>
</robot>"""


def test_a_urdf_gets_the_servos_of_its_description(tmp_path: Path) -> None:
    path = tmp_path / "claw.urdf"
    inertia = '<inertia ixx="1e-4" iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/>'
    limit = '<limit lower="-0.3" upper="1.6" effort="1" velocity="1"/>'
    path.write_text(URDF.format(inertia, limit))
    fields = {"source": ModelFile(path), "neutral": {"*_bend": 0.4}, "pregrasp": {}}
    line = message(claw(tmp_path, **fields))
    assert "its model has no actuators (a URDF never has); describe position servos, e.g." in line
    servos = {"*": Servo(kp=2.0), "f_*": Servo(kp=3.0, kv=0.1, limit=1.5)}
    loaded = load_hand(claw(tmp_path, servos=servos, **fields))
    assert loaded.names == ("t_bend", "f_bend")
    assert loaded.controls.stiffness.tolist() == [2.0, 3.0]
    assert loaded.model.actuator_forcerange.tolist() == [[0.0, 0.0], [-1.5, 1.5]]
    assert (loaded.controls.low[0], loaded.controls.high[0]) == (-0.3, 1.6)
    assert "unknown joint of the servos 'g_*'" in message(
        claw(tmp_path, servos={"g_*": Servo(1.0)}, **fields)
    )
    assert "its model has 6 actuators; leave servos out" in message(
        claw(tmp_path, servos={"*": Servo(1.0)})
    )


def test_unknown_hands_and_places() -> None:
    with pytest.raises(
        ValueError, match=r"unknown hand 'leep'; did you mean leap\? known: allegro"
    ):
        find_hand("leep")
    with pytest.raises(ValueError, match="is no description of a hand; define it at the top level"):
        add_hand("envs.hand.menagerie:LEEP")
    with pytest.raises(ValueError, match="a hand named 'leap' is registered already"):
        add_hand("envs.hand.menagerie:LEAP")
    assert list(HANDS) == ["fmbench", "shadow", "allegro", "leap"]
