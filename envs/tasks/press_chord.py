"""PressChord: hold down two given chords of keys, one after the other."""

from itertools import combinations

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.hand import FINGER_Y_M, FINGERS, HAND_JOINTS
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, Task, View, pictured
from envs.tasks.key_parts import (
    KEY_TOP_M,
    KEY_TRAVEL_M,
    TRIGGER_M,
    add_key,
    add_lamp,
    key_addresses,
    key_depth,
    lamp_height,
)

PALM_HEIGHT_M = 0.098
KEY_M = {  # x and y of each finger's key
    "thumb": (0.040, 0.076),
    "index": (0.096, FINGER_Y_M["index"]),
    "middle": (0.099, FINGER_Y_M["middle"]),
    "ring": (0.096, FINGER_Y_M["ring"]),
    "little": (0.084, FINGER_Y_M["little"]),
}
LAMP_GAP_M = 0.030  # from a key's centre to its lamp's
CHORD_SIZES = (1, 2, 3)
CHORDS = np.array(
    [
        [float(finger in chord) for finger in FINGERS]
        for size in CHORD_SIZES
        for chord in combinations(FINGERS, size)
    ]
)
CHORD_HOLD_STEPS = 10
# Thumb (4), index (3), middle (3), ring (2), little (2): every tip is above its key.
START_POSTURE_RAD = np.array([0.35, -0.55, 0.9, 1.0, 0, 0.0, 0.6, 0, 0.0, 0.6, 0.0, 0.6, 0.0, 0.6])
START_JITTER_RAD = np.array([0.15, 0.2, 0.2, 0.2] + [0.12, 0.12, 0.25] * 2 + [0.15, 0.25] * 2)


class PressChord(Task):
    """Hold down two chords in order, each the exact set of one to three of five spring keys.

    A wrong extra key is not a failure, but the chord does not count while it is down.

    Actions: 14 absolute finger position targets [rad] in [-1, 1], each scaled to its range.
    Observations: joint_position (14), joint_velocity (14), tip_offset (15) [m, tips minus the
        tops of their resting keys], key_depth (5) [m, how far each key is down], pressed (5) [1
        where a key counts as pressed], first_chord and second_chord (5 each) [1 for the keys that
        belong to it], current (2) [one-hot: which chord to hold now], held (1) [completed share
        of the current chord's hold time].
    Initial state: fingers raised over the keys without contact, with uniform jitter of ±0.12 to
        ±0.25 rad per joint; two different chords, each uniform over the 25 sets of one to three
        keys.
    Success: the first chord held for 10 consecutive control steps (0.4 s), then the second for as
        long; a chord is held while its keys, and no others, are at least 4 mm down.
    Horizon: 100 control steps (4 s).
    Versions: v0, initial version.
    """

    name = "PressChord"
    mount = "palm"
    horizon = 100
    hold_steps = CHORD_HOLD_STEPS
    memory_sizes = {"chords": 10, "current": 1, "held": 1}  # noqa: RUF012
    cameras = {"front": Camera((0.07, 0.02, 0.045), 0.32, 160.0, -14.0)}  # noqa: RUF012
    description = "Hold down two chords of one to three keys in order."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the fixed hand above five keys, each with a lamp behind it."""
        spec = make_scene("press_chord")
        add_hand(spec, "palm", (0.0, 0.0, PALM_HEIGHT_M))
        for finger, (x, y) in KEY_M.items():
            add_key(spec.worldbody, f"{finger}_key", x, y)
            _add_pin(spec, x, y)
            add_lamp(spec, f"{finger}_lamp", x + LAMP_GAP_M, y, 0.0075, 0.0098)
        add_camera(spec, (0.068, 0.018, 0.055), 0.33)
        return spec

    def index_scene(self) -> None:
        """Look up the keys."""
        self.key_qpos = key_addresses(self.model, [f"{finger}_key" for finger in FINGERS])
        self.key_tops = np.array([(*KEY_M[finger], KEY_TOP_M) for finger in FINGERS])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the two chords and a posture without contact."""
        chords = CHORDS[rng.choice(len(CHORDS), 2, replace=False)]
        while True:
            jitter = START_JITTER_RAD * rng.uniform(-1.0, 1.0, len(HAND_JOINTS))
            qpos = self.model.qpos0.copy()
            qpos[self.hand.qpos] = np.clip(
                START_POSTURE_RAD + jitter, self.hand.low, self.hand.high
            )
            qpos = coupled_qpos(self.model, qpos)
            if not self.touches(self.scratch, qpos):
                zero = np.zeros(1)
                return Start(qpos, {"chords": chords.ravel(), "current": zero, "held": zero})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("tip_offset", 15, "m", 0.5, "five fingertips minus the tops of resting keys"),
            pictured("key_depth", 5, "m", 0.1, "how far each key is down"),
            pictured("pressed", 5, "1", 1.0, "1 where a key counts as pressed"),
            pictured("first_chord", 5, "1", 1.0, "1 for the keys of the first chord"),
            pictured("second_chord", 5, "1", 1.0, "1 for the keys of the second chord"),
            # No picture shows whether the lamps mean the first chord or the second, nor since when.
            Field("current", 2, "1", 1.0, "one-hot: the chord to be held now"),
            Field("held", 1, "1", 1.0, "share of the hold that the current chord has been held"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        tips = view.site_position(self.hand.tips) - self.key_tops
        is_second = view.memory("current")
        return {
            **self.observe_hand(view),
            "tip_offset": tips.reshape(len(view), -1),
            "key_depth": key_depth(view, self.key_qpos),
            "pressed": self.pressed(view).astype(np.float64),
            "first_chord": view.memory("chords")[:, :5],
            "second_chord": view.memory("chords")[:, 5:],
            "current": np.concatenate([1.0 - is_second, is_second], axis=1),
            "held": view.memory("held") / CHORD_HOLD_STEPS,
        }

    def pressed(self, view: View) -> BoolArray:
        """Return which keys count as pressed, (n, 5)."""
        return key_depth(view, self.key_qpos) >= TRIGGER_M

    def chord(self, view: View) -> BoolArray:
        """Return the keys of the current chord, (n, 5)."""
        return _current_chord(view.memory("chords"), view.memory("current"))

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Count the steps for which the current chord is held; then switch to the second chord."""
        is_exact = (self.pressed(view) == self.chord(view)).all(axis=1, keepdims=True)
        held = np.where(is_exact, view.memory("held") + 1.0, 0.0)
        current = view.memory("current")
        passes = (current == 0.0) & (held >= CHORD_HOLD_STEPS)
        held = np.where(passes, 0.0, np.minimum(held, CHORD_HOLD_STEPS))
        return {"current": np.where(passes, 1.0, current), "held": held}

    def score(self, view: View) -> Score:
        """Score by the keys in the required state and by the chords held so far."""
        is_right = self.pressed(view) == self.chord(view)
        match, is_exact = is_right.mean(axis=1), is_right.all(axis=1)
        is_second = view.memory("current")[:, 0]
        held = view.memory("held")[:, 0] / CHORD_HOLD_STEPS
        n = len(view)
        return Score(
            solved=(is_second == 1.0) & is_exact,
            failed=np.zeros(n, dtype=np.bool_),
            progress=0.5 * is_second + 0.1 * match + 0.4 * held,
            reward_terms={
                "match": 0.2 * match,
                "exact": 0.4 * is_exact,
                "first": 0.4 * is_second,
            },
            mode=np.full(n, NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Raise the lamps behind the keys of the current chord."""
        is_on = _current_chord(memory["chords"], memory["current"])
        height = lamp_height(is_on)
        x, y = (np.broadcast_to(self.key_tops[:, axis], height.shape) for axis in (0, 1))
        return np.stack([x + LAMP_GAP_M, y, height], axis=2)


def _add_pin(spec: mujoco.MjSpec, x: float, y: float) -> None:
    """Add a key's guide pin, visual only."""
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        fromto=[x, y, 0.0, x, y, KEY_TOP_M - KEY_TRAVEL_M],
        size=[0.004, 0, 0],
        rgba=[0.55, 0.58, 0.63, 1.0],
        contype=0,
        conaffinity=0,
    )


def _current_chord(chords: FloatArray, current: FloatArray) -> BoolArray:
    """Return the keys (n, 5) of the chord numbered `current`, (n, 1), among `chords`, (n, 10)."""
    return np.asarray(np.where(current == 0.0, chords[:, :5], chords[:, 5:]) > 0.0)
