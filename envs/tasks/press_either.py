"""PressEither: press exactly one of two keys, quickly after a signal at a random time."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.hand import FINGER_Y_M, FINGERS, HAND_JOINTS
from envs.hand.scene import add_hand
from envs.scene import CONTROL_PERIOD_S, add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, Task, View, pictured
from envs.tasks.key_parts import (
    KEY_TOP_M,
    add_key,
    add_lamp,
    key_addresses,
    key_depth,
    lamp_height,
)

KEYS = ("index", "middle")
PALM_M = (0.0, 0.0, 0.098)
KEY_X_M, TRAVEL_M, TRIGGER_M = 0.085, 0.016, 0.003
BOARD_SHIFT_M = np.array([0.012, 0.010, 0.008])  # the keys are shifted by plus or minus this
FOOT_M = 0.020  # the board extends into the table, because its height varies
WAIT_STEPS = (15, 46)  # control steps before the lamp rises, half open
DEADLINE_STEPS = 15
COUNTDOWN_LIMIT_S = 1.0
LAMP_M = (0.12, -0.035)
# Thumb (4), index (3), middle (3), ring (2), little (2): both tips are above their keys.
START_POSTURE_RAD = np.array([0.5, -0.1, 0.2, 0.2, 0, -0.08, 0.45, 0, -0.08, 0.45, 0, 0.4, 0, 0.4])
START_JITTER_RAD = np.array([0.25] * 4 + [0.15, 0.12, 0.25] * 2 + [0.25] * 4)


class PressEither(Task):
    """Press exactly one of two spring keys right after a signal; pressing both is a failure.

    The two modes are equally good by design, and no observation indicates which one the expert
    took. The press is complete before a policy that executes chunks observes the keys again, and
    it is irreversible: the mean of the two modes presses both keys. The keys have only eight
    positions, so that the demonstrations contain both modes at each. Unique positions would
    identify the demonstrations, and regression would memorise the mode of each.

    Actions: 14 absolute finger position targets [rad] in [-1, 1], each scaled to its range.
    Observations: joint_position (14), joint_velocity (14), key_depth (2) [m, how far each key is
        down], tip_offset (6) [m, index and middle tips minus the tops of their resting keys],
        countdown (1) [s until the signal, at most 1].
    Initial state: the pair of keys at one of eight positions, shifted by ±12 mm along the fingers,
        ±10 mm across them and ±8 mm in height; fingers raised above, with uniform jitter of ±0.12
        to ±0.25 rad per joint; the signal comes after 15-45 control steps.
    Success: exactly one key at least 3 mm down for 5 consecutive control steps (0.2 s).
    Failure: both keys were pressed, a key was pressed before the signal, or none within 15 control
        steps (0.6 s) after it; this ends the episode.
    Modes: index, middle: the key that was pressed.
    Horizon: 80 control steps (3.2 s).
    Versions: v2, keys at eight positions, trigger at 3 mm; v1, firm keys with 16 mm of travel at
        one position, trigger at 4 mm; v0, soft keys, which a tip penetrated by 9 mm.
    """

    name = "PressEither"
    version = 2
    mount = "palm"
    horizon = 80
    hold_steps = 5
    modes = KEYS
    memory_sizes = {"board": 3, "countdown": 1, "pressed": 2}  # noqa: RUF012
    cameras = {"right-front": Camera((0.075, 0.0, 0.045), 0.30, 115.0, -16.0)}  # noqa: RUF012
    description = "After a signal press exactly one of two keys."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the fixed hand above two keys and a signal lamp."""
        spec = make_scene("press_either")
        add_hand(spec, "palm", PALM_M)
        _add_board(spec)
        add_lamp(spec, "lamp", *LAMP_M, 0.010, 0.014)
        add_camera(spec, (0.07, 0.0, 0.05), 0.34)
        return spec

    def index_scene(self) -> None:
        """Look up the keys and the fingers over them."""
        self.key_qpos = key_addresses(self.model, [f"{key}_key" for key in KEYS])
        self.key_tips = self.hand.tips[[FINGERS.index(key) for key in KEYS]]

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the posture, the keys' position and the time of the signal."""
        qpos = self.model.qpos0.copy()
        posture = START_POSTURE_RAD + START_JITTER_RAD * rng.uniform(-1.0, 1.0, len(HAND_JOINTS))
        qpos[self.hand.qpos] = np.clip(posture, self.hand.low, self.hand.high)
        wait = float(rng.integers(*WAIT_STEPS))
        board = BOARD_SHIFT_M * (2.0 * rng.integers(2, size=3) - 1.0)
        memory = {"board": board, "countdown": np.array([wait]), "pressed": np.zeros(2)}
        return Start(qpos, memory)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("key_depth", 2, "m", 0.1, "how far the index and middle keys are down"),
            pictured("tip_offset", 6, "m", 0.5, "tips minus the tops of their resting keys"),
            # No picture shows when the lamp is going to rise.
            Field("countdown", 1, "s", COUNTDOWN_LIMIT_S, "time until the signal, 0 after it"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        countdown = view.memory("countdown") * CONTROL_PERIOD_S
        return {
            **self.observe_hand(view),
            "key_depth": self.key_depth(view),
            "tip_offset": self.tip_offset(view).reshape(len(view), 6),
            "countdown": np.clip(countdown, 0.0, COUNTDOWN_LIMIT_S),
        }

    def key_depth(self, view: View) -> FloatArray:
        """Return the depth of the two keys, (n, 2) [m]."""
        return key_depth(view, self.key_qpos)

    def key_tops(self, view: View) -> FloatArray:
        """Return the centres of the resting keys' tops, (n, 2, 3) [m, world]."""
        tops = np.array([[KEY_X_M, FINGER_Y_M[key], KEY_TOP_M] for key in KEYS])
        return np.asarray(view.memory("board")[:, None] + tops)

    def tip_offset(self, view: View) -> FloatArray:
        """Return the index and middle tips minus their resting keys' tops, (n, 2, 3) [m]."""
        return view.site_position(self.key_tips) - self.key_tops(view)

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Count down; mark every key pressed so far by 1, or 2 if before the signal."""
        countdown = view.memory("countdown") - 1.0
        is_down = self.key_depth(view) >= TRIGGER_M
        mark = np.where(countdown >= 0.0, 2.0, 1.0)
        pressed = np.maximum(view.memory("pressed"), is_down * mark)
        return {"countdown": countdown, "pressed": pressed}

    def score(self, view: View) -> Score:
        """Score by which keys are or were down, and when."""
        pressed, countdown = view.memory("pressed"), view.memory("countdown")[:, 0]
        ever = pressed > 0.0
        is_down = self.key_depth(view) >= TRIGGER_M
        one = ever.sum(axis=1) == 1
        missed = ~ever.any(axis=1) & (countdown <= -DEADLINE_STEPS)
        failed: BoolArray = ever.all(axis=1) | (pressed > 1.0).any(axis=1) | missed
        solved = one & (is_down & ever).any(axis=1)
        over = np.array([0.0, 0.0, 0.015])
        miss = np.linalg.norm(self.tip_offset(view) - over, axis=2).mean(axis=1)
        ready = 1.0 - np.clip(miss / 0.1, 0.0, 1.0)
        return Score(
            solved=solved,
            failed=failed,
            progress=np.where(failed, 0.0, np.where(one, 0.9, 0.5 * ready)),
            reward_terms={
                "ready": 0.1 * ready,
                "press": 0.9 * solved,
                "failure": -failed.astype(np.float64),
            },
            mode=np.where(one, ever.argmax(axis=1), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the board; raise the lamp at the signal."""
        height = lamp_height(memory["countdown"][:, 0] <= 0.0)
        x, y = (np.full(len(height), value) for value in LAMP_M)
        return np.stack([memory["board"], np.stack([x, y, height], axis=1)], axis=1)


def _add_board(spec: mujoco.MjSpec) -> None:
    """Add both keys on one board, a mocap body positioned by each episode."""
    board = spec.worldbody.add_body(name="board", mocap=True)
    for key in KEYS:
        add_key(board, f"{key}_key", KEY_X_M, FINGER_Y_M[key], TRAVEL_M)
    middle = float(np.mean([FINGER_Y_M[key] for key in KEYS]))
    board.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[KEY_X_M, middle, -FOOT_M / 2],
        size=[0.021, 0.023, FOOT_M / 2],
        rgba=[0.22, 0.25, 0.30, 1.0],
        contype=0,
        conaffinity=0,
    )
