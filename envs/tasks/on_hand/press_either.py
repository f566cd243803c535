"""PressEither on a described hand: press exactly one of two keys, quickly after a signal."""

from typing import Any

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.description import Hand
from envs.hand.loading import LoadedHand
from envs.scene import add_camera, make_scene
from envs.task import FloatArray, Start, View
from envs.tasks.key_parts import add_lamp, key_addresses, lamp_height
from envs.tasks.on_hand.base import TaskOnHand, longest_reach, straight
from envs.tasks.on_hand.keys import add_finger_key, key_places, key_posture
from envs.tasks.press_either import TRAVEL_M, WAIT_STEPS, PressEither

BOARD_SHIFT_M = np.array([0.006, 0.004, 0.004])  # the keys are shifted by plus or minus this
START_HEIGHT_M = 0.020  # of the tips over the keys in the middle, before jitter
START_JITTER_RAD = 0.10
LAMP_BEHIND_M = np.array([0.045, -0.035])  # from between the keys
VIEW_PER_REACH = 2.4


def key_fingers(hand: Hand) -> tuple[str, str]:
    """Return the fingers that have a key: the first two beside the thumb, if there are two."""
    names = list(hand.fingers)
    first, second = names[1:3] if len(names) > 2 else names
    return first, second


class PressEitherOnHand(TaskOnHand, PressEither):
    """Press exactly one of two spring keys right after a signal; pressing both is a failure.

    As PressEither of the fmbench hand, with the keys under two fingers of this hand: those beside
    the thumb, or the thumb and the other finger of a hand that has two.

    Actions: one absolute position target in [-1, 1] for each servo, scaled to its range [rad].
    Observations: joint_position and joint_velocity of all joints, key_depth (2) [m, how far each
        key is down], tip_offset (6) [m, the two tips minus the tops of their resting keys],
        countdown (1) [s until the signal, at most 1].
    Initial state: the pair of keys at one of eight positions, shifted by ±6 mm along the fingers,
        ±4 mm across them and ±4 mm in height; the two tips 2 cm over the middle of these
        positions, the other fingers straight, with uniform jitter of ±0.1 rad per servo of a
        finger, without contact; the signal comes after 15-45 control steps.
    Success: exactly one key at least 3 mm down for 5 consecutive control steps (0.2 s).
    Failure: both keys were pressed, a key was pressed before the signal, or none within 15 control
        steps (0.6 s) after it; this ends the episode.
    Modes: the names of the two fingers: the key that was pressed.
    Horizon: 80 control steps (3.2 s).
    """

    name = "PressEither"
    version = 0

    @classmethod
    def sizes(cls, loaded: LoadedHand) -> dict[str, Any]:
        """Return the modes, the two fingers with a key."""
        return {"modes": key_fingers(loaded.hand)}

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return a camera that sees both keys from the side."""
        middle = tuple(key_places(loaded.hand).tops[1].tolist())
        return {"right-front": Camera(middle, 2.2 * longest_reach(loaded), 115.0, -16.0)}

    def build_scene(self) -> mujoco.MjSpec:
        """Return the fixed hand above two keys and a signal lamp."""
        hand, places, spec = self.described, key_places(self.described), make_scene("press_either")
        add_described_hand(spec, hand, "palm_down", (0.0, 0.0, places.palm_height))
        board = spec.worldbody.add_body(name="board", mocap=True)
        self.tops = places.tops[[list(hand.fingers).index(finger) for finger in self.modes]]
        for finger, top in zip(self.modes, self.tops, strict=True):
            add_finger_key(spec, board, f"{finger}_key", top, TRAVEL_M)
        self.lamp_m: FloatArray = self.tops[:, :2].mean(axis=0) + LAMP_BEHIND_M
        add_lamp(spec, "lamp", float(self.lamp_m[0]), float(self.lamp_m[1]), 0.010, 0.014)
        middle = self.tops.mean(axis=0).tolist()
        add_camera(spec, tuple(middle), VIEW_PER_REACH * longest_reach(self.loaded))
        return spec

    def index_scene(self) -> None:
        """Look up keys and fingers, and solve the posture over the keys in the middle."""
        hand, names = self.described, list(self.described.fingers)
        self.key_qpos = key_addresses(self.model, [f"{finger}_key" for finger in self.modes])
        self.key_tips = self.hand.tips[[names.index(finger) for finger in self.modes]]
        down = np.array([0.0, 0.0, key_places(hand).palm_height])
        self.tops_in_palm = dict(zip(self.modes, self.tops - down, strict=True))
        columns = np.concatenate([self.loaded.columns[finger] for finger in self.modes])
        rest = np.where(self.is_in_finger, straight(self.loaded), self.loaded.neutral)
        rest[columns] = self.loaded.neutral[columns]
        self.start_posture = key_posture(hand, rest, self.tops_in_palm, START_HEIGHT_M)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the keys' position, the time of the signal and a posture without contact."""
        wait = float(rng.integers(*WAIT_STEPS))
        board = BOARD_SHIFT_M * (2.0 * rng.integers(2, size=3) - 1.0)
        memory = {"board": board, "countdown": np.array([wait]), "pressed": np.zeros(2)}
        data = self.scratch
        data.mocap_pos[0] = board
        while True:
            jitter = START_JITTER_RAD * rng.uniform(-1.0, 1.0, self.act_dim) * self.is_in_finger
            posture = np.clip(self.start_posture + jitter, self.hand.low, self.hand.high)
            qpos = self.hand_qpos(posture)
            if not self.touches(data, qpos):
                return Start(qpos, memory)

    def key_tops(self, view: View) -> FloatArray:
        """Return the centres of the resting keys' tops, (n, 2, 3) [m, world]."""
        return np.asarray(view.memory("board")[:, None] + self.tops)

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the board; raise the lamp at the signal."""
        height = lamp_height(memory["countdown"][:, 0] <= 0.0)
        x, y = (np.full(len(height), value) for value in self.lamp_m)
        return np.stack([memory["board"], np.stack([x, y, height], axis=1)], axis=1)
