"""A door with a lever handle and a latch that works by contact.

Door frame: the origin is on the hinge axis, z up; the closed panel extends along -y, and its front
faces -x, the direction in which it opens. The tongue is part of the lever: pressing the grip down
lifts it out of the keeper on the frame. Contact alone determines whether the door can move.
"""

import mujoco
import numpy as np

PANEL_WIDTH_M, PANEL_HALF_HEIGHT_M, PANEL_HALF_DEPTH_M = 0.180, 0.130, 0.008
PIVOT_M = np.array([0.0, -0.140, 0.0])  # lever's axis in the door frame, panel closed
GRIP_X_M = -0.063  # grip's axis in front of the pivot
GRIP_LENGTH_M, GRIP_RADIUS_M = 0.095, 0.007
GRIP_MIDDLE_M = 0.055  # where a hand holds the grip, from the pivot
DOOR_RANGE_RAD, LEVER_RANGE_RAD = 1.45, 0.80
LATCH_RAD = 0.42  # lever angle above which the tongue is clear of the keeper
DARK, STEEL = (0.22, 0.25, 0.30, 1.0), (0.62, 0.66, 0.70, 1.0)
BLUE, ORANGE = (0.25, 0.50, 0.80, 1.0), (0.93, 0.45, 0.20, 1.0)
TONGUE_X_M, TONGUE_LENGTH_M = -0.0205, 0.078
TONGUE_HALF_M = (0.004, 0.0065)  # in depth and height
KEEPER_GAP_M, KEEPER_HALF_DEPTH_M = 0.0015, 0.005
KEEPER_Y_M, KEEPER_HALF_WIDTH_M = -0.203, 0.010
KEEPER_Z_M = (-0.020, 0.0165)
POST_HALF_M = (0.012, 0.012)

_BITS = {"contype": 2, "conaffinity": 1, "condim": 3, "friction": [1.0, 0.02, 0.001]}
_FIRM = {"solref": [0.01, 1], "solimp": [0.95, 0.99, 0.001, 0.5, 2]}
_LOOK = {"contype": 0, "conaffinity": 0, "mass": 0.0}
_BOX, _CAPSULE = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CAPSULE
_CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER


def add_door(spec: mujoco.MjSpec) -> None:
    """Add the panel, the lever and the frame, a mocap body posed by each episode."""
    frame = spec.worldbody.add_body(name="door_frame", mocap=True)
    _add_frame(frame)
    panel = frame.add_body(name="door")
    panel.add_joint(
        name="door",
        axis=[0, 0, -1],
        range=[0.0, DOOR_RANGE_RAD],
        limited=True,
        damping=0.15,
        frictionloss=0.05,
        armature=0.001,
    )
    half_width = PANEL_WIDTH_M / 2
    panel.add_geom(
        name="panel",
        type=_BOX,
        pos=[0, -half_width, 0],
        size=[PANEL_HALF_DEPTH_M, half_width, PANEL_HALF_HEIGHT_M],
        mass=0.4,
        rgba=BLUE,
        **_BITS,
    )
    for z in (-0.075, 0.075):  # inlays, visual only
        size = [PANEL_HALF_DEPTH_M + 0.0008, half_width - 0.030, 0.040]
        rgba = [0.34, 0.59, 0.87, 1.0]
        panel.add_geom(type=_BOX, pos=[0, -half_width, z], size=size, rgba=rgba, **_LOOK)
    panel.add_site(name="door_edge", pos=[0, -PANEL_WIDTH_M, 0], size=[0.003, 0, 0], group=4)
    _add_lever(panel)


def _add_frame(frame: mujoco.MjsBody) -> None:
    """Add two posts, a lintel, hinges and the keeper."""
    half_depth, half_width = POST_HALF_M
    tall = PANEL_HALF_HEIGHT_M + 0.005
    edge = -PANEL_WIDTH_M - 0.004 - half_width
    for name, y in (("hinge_post", 0.012 + half_width), ("latch_post", edge)):
        # The foot extends into the table, because the frame's height varies.
        size, z = [half_depth, half_width, tall + 0.09], -0.09
        frame.add_geom(name=name, type=_BOX, pos=[0, y, z], size=size, rgba=DARK, **_BITS)
    middle = (0.012 + half_width + edge) / 2
    lintel = [half_depth, 0.012 + 2 * half_width - middle, 0.010]
    frame.add_geom(type=_BOX, pos=[0, middle, tall + 0.010], size=lintel, rgba=DARK, **_LOOK)
    for z in (-0.08, 0.08):
        pin = [0.006, 0.022, 0]
        frame.add_geom(type=_CYLINDER, pos=[0, 0.004, z], size=pin, rgba=STEEL, **_LOOK)
    low, high = KEEPER_Z_M
    x = TONGUE_X_M - TONGUE_HALF_M[0] - KEEPER_GAP_M - KEEPER_HALF_DEPTH_M
    y, z = KEEPER_Y_M, (low + high) / 2
    size = [KEEPER_HALF_DEPTH_M, KEEPER_HALF_WIDTH_M, (high - low) / 2]
    # It collides with the tongue (bit 2) as well as the hand.
    bits = {**_BITS, "conaffinity": 3}
    frame.add_geom(name="keeper", type=_BOX, pos=[x, y, z], size=size, rgba=ORANGE, **_FIRM, **bits)
    bracket = [(x - KEEPER_HALF_DEPTH_M + half_depth) / 2, y, low + 0.004]
    depth = (half_depth - x + KEEPER_HALF_DEPTH_M) / 2
    size = [depth, KEEPER_HALF_WIDTH_M, 0.004]
    frame.add_geom(type=_BOX, pos=bracket, size=size, rgba=ORANGE, **_LOOK)


def _add_lever(panel: mujoco.MjsBody) -> None:
    """Add grip, stem and tongue on one hinge that a spring holds level."""
    lever = panel.add_body(name="lever", pos=PIVOT_M, gravcomp=1)
    lever.add_joint(
        name="lever",
        axis=[-1, 0, 0],
        range=[0.0, LEVER_RANGE_RAD],
        limited=True,
        stiffness=0.25,
        springref=-0.4,
        damping=0.02,
        armature=0.0004,
    )
    front = [GRIP_X_M, 0, 0]
    grip = [*front, GRIP_X_M, GRIP_LENGTH_M, 0]
    lever.add_geom(
        name="grip",
        type=_CAPSULE,
        fromto=grip,
        size=[GRIP_RADIUS_M, 0, 0],
        mass=0.05,
        rgba=STEEL,
        **_FIRM,
        **_BITS,
    )
    stem = [-PANEL_HALF_DEPTH_M, 0, 0, *front]
    lever.add_geom(
        name="stem", type=_CAPSULE, fromto=stem, size=[0.008, 0, 0], mass=0.03, rgba=STEEL, **_BITS
    )
    plate = [-PANEL_HALF_DEPTH_M, 0, 0, -PANEL_HALF_DEPTH_M - 0.004, 0, 0]
    lever.add_geom(type=_CYLINDER, fromto=plate, size=[0.016, 0, 0], rgba=DARK, **_LOOK)
    depth, height = TONGUE_HALF_M
    lever.add_geom(
        name="tongue",
        type=_BOX,
        pos=[TONGUE_X_M, -TONGUE_LENGTH_M / 2, 0],
        size=[depth, TONGUE_LENGTH_M / 2, height],
        mass=0.02,
        rgba=STEEL,
        **_FIRM,
        **_BITS,
    )
    lever.add_site(name="grip", pos=[GRIP_X_M, GRIP_MIDDLE_M, 0], size=[0.003, 0, 0], group=4)
