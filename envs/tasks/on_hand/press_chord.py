"""PressChord on a described hand: hold down two given chords of keys, one after the other."""

from itertools import combinations
from typing import Any

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.loading import LoadedHand
from envs.scene import add_camera, make_scene
from envs.task import BoolArray, Field, FloatArray, Start, View, pictured
from envs.tasks.key_parts import (
    KEY_TRAVEL_M,
    add_lamp,
    key_addresses,
    key_depth,
    lamp_height,
)
from envs.tasks.on_hand.base import TaskOnHand, longest_reach
from envs.tasks.on_hand.keys import add_finger_key, key_places, key_posture
from envs.tasks.press_chord import CHORD_HOLD_STEPS, CHORD_SIZES, LAMP_GAP_M, PressChord

START_HEIGHT_M = 0.020  # of the tips over their keys, before jitter
START_JITTER_RAD = 0.10
VIEW_PER_REACH = 2.6


class PressChordOnHand(TaskOnHand, PressChord):
    """Hold down two chords in order, each the exact set of one to three of the hand's keys.

    A wrong extra key is not a failure, but the chord does not count while it is down. Every finger
    has a key under its tip in the neutral posture, at its own height.

    Actions: one absolute position target in [-1, 1] for each servo, scaled to its range [rad].
    Observations: joint_position and joint_velocity of all joints, tip_offset [m, tips minus the
        tops of their resting keys], key_depth [m, how far each key is down], pressed [1 where a
        key counts as pressed], first_chord and second_chord [1 for the keys that belong to it],
        current (2) [one-hot: which chord to hold now], held (1) [completed share of the current
        chord's hold time].
    Initial state: every tip 2 cm over its key, with uniform jitter of ±0.1 rad per servo of a
        finger, without contact; two different chords, each uniform over the sets of one to three
        keys.
    Success: the first chord held for 10 consecutive control steps (0.4 s), then the second for as
        long; a chord is held while its keys, and no others, are at least 4 mm down.
    Horizon: 100 control steps (4 s).
    """

    name = "PressChord"
    version = 0

    @classmethod
    def sizes(cls, loaded: LoadedHand) -> dict[str, Any]:
        """Return the size of the memory, two chords of all fingers."""
        return {"memory_sizes": {"chords": 2 * len(loaded.hand.fingers), "current": 1, "held": 1}}

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return a camera that sees all keys from the front."""
        middle = key_places(loaded.hand).tops.mean(axis=0).tolist()
        return {
            "front": Camera(tuple(middle), VIEW_PER_REACH * longest_reach(loaded), 160.0, -14.0)
        }

    def build_scene(self) -> mujoco.MjSpec:
        """Return the fixed hand above its keys, each with a lamp in front of it."""
        spec, places = make_scene("press_chord"), key_places(self.described)
        add_described_hand(spec, self.described, "palm_down", (0.0, 0.0, places.palm_height))
        for finger, top in zip(self.described.fingers, places.tops, strict=True):
            add_finger_key(spec, spec.worldbody, f"{finger}_key", top, KEY_TRAVEL_M)
            x, y = float(top[0]), float(top[1])
            add_lamp(spec, f"{finger}_lamp", x + LAMP_GAP_M, y, 0.0075, 0.0098)
        middle = places.tops.mean(axis=0).tolist()
        add_camera(spec, tuple(middle), VIEW_PER_REACH * longest_reach(self.loaded))
        return spec

    def index_scene(self) -> None:
        """Look up the keys, and solve the posture over them."""
        hand, places = self.described, key_places(self.described)
        self.key_qpos = key_addresses(self.model, [f"{finger}_key" for finger in hand.fingers])
        self.key_tops, self.keys = places.tops, len(hand.fingers)
        tops = places.tops - np.array([0.0, 0.0, places.palm_height])
        self.tops_in_palm = dict(zip(hand.fingers, tops, strict=True))
        self.start_posture = key_posture(
            hand, self.loaded.neutral, self.tops_in_palm, START_HEIGHT_M
        )
        self.chords = np.array(
            [
                [float(key in chord) for key in range(self.keys)]
                for size in CHORD_SIZES
                for chord in combinations(range(self.keys), size)
            ]
        )

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the two chords and a posture without contact."""
        chords = self.chords[rng.choice(len(self.chords), 2, replace=False)]
        while True:
            jitter = START_JITTER_RAD * rng.uniform(-1.0, 1.0, self.act_dim) * self.is_in_finger
            posture = np.clip(self.start_posture + jitter, self.hand.low, self.hand.high)
            qpos = self.hand_qpos(posture)
            if not self.touches(self.scratch, qpos):
                zero = np.zeros(1)
                return Start(qpos, {"chords": chords.ravel(), "current": zero, "held": zero})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        k = self.keys
        return (
            *self.hand_fields(),
            pictured("tip_offset", 3 * k, "m", 0.5, "fingertips minus the tops of resting keys"),
            pictured("key_depth", k, "m", 0.1, "how far each key is down"),
            pictured("pressed", k, "1", 1.0, "1 where a key counts as pressed"),
            pictured("first_chord", k, "1", 1.0, "1 for the keys of the first chord"),
            pictured("second_chord", k, "1", 1.0, "1 for the keys of the second chord"),
            # No picture shows whether the lamps mean the first chord or the second, nor since when.
            Field("current", 2, "1", 1.0, "one-hot: the chord to be held now"),
            Field("held", 1, "1", 1.0, "share of the hold that the current chord has been held"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        tips = view.site_position(self.hand.tips) - self.key_tops
        is_second, chords = view.memory("current"), view.memory("chords")
        return {
            **self.observe_hand(view),
            "tip_offset": tips.reshape(len(view), -1),
            "key_depth": key_depth(view, self.key_qpos),
            "pressed": self.pressed(view).astype(np.float64),
            "first_chord": chords[:, : self.keys],
            "second_chord": chords[:, self.keys :],
            "current": np.concatenate([1.0 - is_second, is_second], axis=1),
            "held": view.memory("held") / CHORD_HOLD_STEPS,
        }

    def chord(self, view: View) -> BoolArray:
        """Return the keys of the current chord, (n, keys)."""
        return self._current(view.memory("chords"), view.memory("current"))

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Raise the lamps of the keys of the current chord."""
        height = lamp_height(self._current(memory["chords"], memory["current"]))
        x, y = (np.broadcast_to(self.key_tops[:, axis], height.shape) for axis in (0, 1))
        return np.stack([x + LAMP_GAP_M, y, height], axis=2)

    def _current(self, chords: FloatArray, current: FloatArray) -> BoolArray:
        """Return the keys, (n, keys), of the chord numbered `current`, (n, 1)."""
        first, second = chords[:, : self.keys], chords[:, self.keys :]
        return np.asarray(np.where(current == 0.0, first, second) > 0.0)
