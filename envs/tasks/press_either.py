"""PressEither: after a wait of random length press exactly one of two keys, quickly."""

import mujoco
import numpy as np

from envs.hand import FINGER_Y_M, FINGERS, HAND_JOINTS, add_hand
from envs.scene import CONTROL_PERIOD_S, add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, Task, View
from envs.tasks.key_parts import (
    KEY_TOP_M,
    TRIGGER_M,
    add_key,
    add_lamp,
    key_addresses,
    key_depth,
    lamp_height,
)

KEYS = ("index", "middle")
PALM_M = (0.0, 0.0, 0.098)
KEY_X_M, TRAVEL_M = 0.085, 0.016
WAIT_STEPS = (15, 46)  # control steps before the lamp rises, half open
DEADLINE_STEPS = 15
COUNTDOWN_LIMIT_S = 1.0
LAMP_M = (0.12, -0.035)
# Thumb (4), index (3), middle (3), ring (2), little (2): both tips begin above their keys.
START_POSTURE_RAD = np.array([0.5, 0.2, 0.3, 0.3, 0, -0.05, 0.6, 0, -0.05, 0.6, 0.3, 0.5, 0.3, 0.5])
START_JITTER_RAD = np.array([0.25] * 4 + [0.15, 0.12, 0.25] * 2 + [0.25] * 4)


class PressEither(Task):
    """Press exactly one of two spring keys right after a signal; two pressed keys are a failure.

    The two ways are equally good by design and nothing observed says which one the expert took.
    The press is over before a policy that executes chunks sees the keys again, and it cannot be
    undone: the average of the two ways presses both keys.

    Actions: 14 absolute finger position targets [rad] in [-1, 1], each scaled to its range.
    Observations: joint_position (14), joint_velocity (14), key_depth (2) [m, how far each key is
        down], tip_clearance (2) [m, index and middle tips above their keys' rest height],
        countdown (1) [s until the signal, at most 1].
    Start: fingers raised over the keys, each joint jittered by ±0.12 to ±0.25 rad; the signal
        comes after 15-45 control steps.
    Success: exactly one key at least 4 mm down for 5 control steps (0.2 s).
    Failure, which ends the episode: both keys were pressed, a key was pressed before the signal,
        or none within 15 control steps (0.6 s) after it.
    Modes: index, middle: the key that was pressed.
    Horizon: 80 control steps (3.2 s).
    Versions: 1, firm keys of 16 mm travel; 0, a tip sank into its key by 9 mm.
    """

    name = "PressEither"
    version = 1
    mount = "palm"
    horizon = 80
    hold_steps = 5
    modes = KEYS
    memory_sizes = {"countdown": 1, "pressed": 2}  # noqa: RUF012
    description = "After a signal press exactly one of two keys."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the fixed hand above two keys and a signal lamp."""
        spec = make_scene("press_either")
        add_hand(spec, "palm", PALM_M)
        for key in KEYS:
            add_key(spec, f"{key}_key", KEY_X_M, FINGER_Y_M[key], TRAVEL_M)
        add_lamp(spec, "lamp", *LAMP_M, 0.010, 0.014)
        add_camera(spec, (0.07, 0.0, 0.05), 0.34)
        return spec

    def index_scene(self) -> None:
        """Look up the keys and the fingers over them."""
        self.key_qpos = key_addresses(self.model, [f"{key}_key" for key in KEYS])
        self.key_tips = self.hand.tips[[FINGERS.index(key) for key in KEYS]]

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the posture and the wait."""
        qpos = self.model.qpos0.copy()
        posture = START_POSTURE_RAD + START_JITTER_RAD * rng.uniform(-1.0, 1.0, len(HAND_JOINTS))
        qpos[self.hand.qpos] = np.clip(posture, self.hand.low, self.hand.high)
        wait = float(rng.integers(*WAIT_STEPS))
        return Start(qpos, {"countdown": np.array([wait]), "pressed": np.zeros(2)})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            Field("key_depth", 2, "m", 0.1, "how far the index and middle keys are down"),
            Field("tip_clearance", 2, "m", 0.5, "index and middle tips above their resting keys"),
            Field("countdown", 1, "s", COUNTDOWN_LIMIT_S, "time until the signal, 0 after it"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        countdown = view.memory("countdown") * CONTROL_PERIOD_S
        return {
            **self.observe_hand(view),
            "key_depth": self.key_depth(view),
            "tip_clearance": view.site_position(self.key_tips)[:, :, 2] - KEY_TOP_M,
            "countdown": np.clip(countdown, 0.0, COUNTDOWN_LIMIT_S),
        }

    def key_depth(self, view: View) -> FloatArray:
        """Return how far the keys are down, (n, 2) [m]."""
        return key_depth(view, self.key_qpos)

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Count down; remember every key that was ever pressed, 2 if before the signal."""
        countdown = view.memory("countdown") - 1.0
        is_down = self.key_depth(view) >= TRIGGER_M
        mark = np.where(countdown >= 0.0, 2.0, 1.0)
        pressed = np.maximum(view.memory("pressed"), is_down * mark)
        return {"countdown": countdown, "pressed": pressed}

    def score(self, view: View) -> Score:
        """Judge by which keys are and were down, and when."""
        pressed, countdown = view.memory("pressed"), view.memory("countdown")[:, 0]
        ever = pressed > 0.0
        is_down = self.key_depth(view) >= TRIGGER_M
        one = ever.sum(axis=1) == 1
        missed = ~ever.any(axis=1) & (countdown <= -DEADLINE_STEPS)
        failed: BoolArray = ever.all(axis=1) | (pressed > 1.0).any(axis=1) | missed
        solved = one & (is_down & ever).any(axis=1)
        clearance = view.site_position(self.key_tips)[:, :, 2].mean(axis=1) - KEY_TOP_M
        ready = 1.0 - np.clip(np.abs(clearance - 0.015) / 0.1, 0.0, 1.0)
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
        """Raise the lamp out of its box when the signal comes."""
        height = lamp_height(memory["countdown"][:, 0] <= 0.0)
        x, y = (np.full(len(height), value) for value in LAMP_M)
        return np.stack([x, y, height], axis=1)[:, None, :]
