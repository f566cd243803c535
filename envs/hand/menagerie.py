"""Right hands of MuJoCo Menagerie: Shadow, Allegro and LEAP."""

from envs.hand.description import Finger, Hand
from envs.hand.model_files import Menagerie

SHADOW = Hand(
    name="shadow",
    source=Menagerie("shadow_hand"),
    palm="rh_palm",
    axes=("z", "x", "y"),
    fingers={
        "thumb": Finger("rh_thdistal", 0.009, (0.0, 0.0, 0.026)),
        "index": Finger("rh_ffdistal", 0.0075, (0.0, 0.0, 0.0245)),
        "middle": Finger("rh_mfdistal", 0.0075, (0.0, 0.0, 0.0245)),
        "ring": Finger("rh_rfdistal", 0.0075, (0.0, 0.0, 0.0245)),
        "little": Finger("rh_lfdistal", 0.0075, (0.0, 0.0, 0.0245)),
    },
    opposing=(("thumb", "middle"), ("thumb", "index"), ("thumb", "ring"), ("thumb", "little")),
    neutral={
        "rh_A_?FJ3": 0.4,
        "rh_A_?FJ0": 0.8,
        "rh_A_THJ5": 0.33,
        "rh_A_THJ4": 0.84,
        "rh_A_THJ2": 0.21,
        "rh_A_THJ1": 1.02,
    },
    pregrasp={
        "rh_A_FFJ4": 0.06,
        "rh_A_FFJ3": 0.11,
        "rh_A_FFJ0": 1.90,
        "rh_A_MFJ4": 0.04,
        "rh_A_MFJ3": 0.17,
        "rh_A_MFJ0": 2.17,
        "rh_A_THJ5": -0.81,
        "rh_A_THJ4": 1.10,
        "rh_A_THJ3": 0.17,
        "rh_A_THJ2": 0.57,
        "rh_A_THJ1": 1.45,
    },
)

ALLEGRO = Hand(
    name="allegro",
    source=Menagerie("wonik_allegro"),
    palm="palm",
    axes=("z", "y", "-x"),
    fingers={
        "thumb": Finger("th_tip", 0.012, (0.0, 0.0, 0.043)),
        "index": Finger("ff_tip", 0.012, (0.0, 0.0, 0.029)),
        "middle": Finger("mf_tip", 0.012, (0.0, 0.0, 0.029)),
        "ring": Finger("rf_tip", 0.012, (0.0, 0.0, 0.029)),
    },
    opposing=(("thumb", "middle"), ("thumb", "index"), ("thumb", "ring")),
    neutral={"?fa[123]": 0.4, "tha0": 0.93, "tha1": 0.35, "tha2": 1.01, "tha3": 0.88},
    pregrasp={
        "ffa0": -0.24,
        "ffa1": 0.18,
        "ffa2": 1.09,
        "ffa3": 0.97,
        "mfa0": 0.10,
        "mfa1": 0.17,
        "mfa2": 1.14,
        "mfa3": 1.00,
        "tha0": 1.17,
        "tha1": 0.90,
        "tha2": 0.31,
        "tha3": 0.77,
    },
)

LEAP = Hand(
    name="leap",
    source=Menagerie("leap_hand"),
    palm="palm",
    axes=("x", "y", "z"),
    fingers={
        "thumb": Finger("th_ds", 0.0115, (-0.001, -0.051, -0.0145)),
        "index": Finger("if_ds", 0.0115, (-0.001, -0.039, 0.0146)),
        "middle": Finger("mf_ds", 0.0115, (-0.001, -0.039, 0.0146)),
        "ring": Finger("rf_ds", 0.0115, (-0.001, -0.039, 0.0146)),
    },
    opposing=(("thumb", "middle"), ("thumb", "index"), ("thumb", "ring")),
    neutral={
        "?f_mcp_act": 0.4,
        "?f_pip_act": 0.4,
        "?f_dip_act": 0.4,
        "th_cmc_act": 1.00,
        "th_axl_act": 0.40,
        "th_mcp_act": 1.46,
        "th_ipl_act": 0.46,
    },
    pregrasp={
        "if_mcp_act": 0.46,
        "if_pip_act": 0.71,
        "if_dip_act": 0.66,
        "mf_mcp_act": 0.47,
        "mf_rot_act": -0.11,
        "mf_pip_act": 0.63,
        "mf_dip_act": 0.60,
        "th_cmc_act": 0.44,
        "th_axl_act": 1.36,
        "th_mcp_act": 1.46,
        "th_ipl_act": 0.72,
    },
)
