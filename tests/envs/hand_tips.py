"""Fingertip positions of a bare hand from the simulator, as reference for the solvers."""

from functools import lru_cache

import mujoco
import numpy as np

from envs.hand.hand import index_hand
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.scene import make_scene
from envs.task import FloatArray


@lru_cache(maxsize=1)
def _bare_hand() -> mujoco.MjModel:
    spec = make_scene("bare_hand")
    add_hand(spec, "palm")
    return spec.compile()


def fingertips(posture: FloatArray) -> FloatArray:
    """Return the five fingertips of a posture (14,) [rad], (5, 3) [m], palm frame."""
    model = _bare_hand()
    data, hand = mujoco.MjData(model), index_hand(model, "palm")
    data.qpos[hand.qpos] = posture
    data.qpos[:] = coupled_qpos(model, data.qpos)
    mujoco.mj_kinematics(model, data)
    return np.array(data.site_xpos[hand.tips])
