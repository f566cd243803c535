"""The samplers of every objective, known here for help texts without importing torch."""

_OF_FLOWS = {
    "euler": "1 or more",
    "midpoint": "2 or more, in multiples of 2",
    "heun": "2 or more, in multiples of 2",
    "rk4": "4 or more, in multiples of 4",
    "rk45": "as many as its tolerance asks for",
}
SAMPLERS: dict[str, dict[str, str]] = {
    "flow": _OF_FLOWS,
    "reflow": _OF_FLOWS,
    "meanflow": {"average": "1 or more"},
    "shortcut": {"shortcut": "1, 2, 4, 8, 16, 32 or 64"},
    "diffusion": {"ddpm": "exactly 100", "ddim": "1 to 100", "dpmpp_2m": "1 to 100"},
    "mip": {"two_step": "exactly 2"},
    "bc": {"direct": "exactly 1"},
    "gmm": {"mixture": "exactly 1"},
    "knn": {"nearest": "exactly 0"},
}
"""Objective to its samplers, each with the network evaluations that it takes, in words."""
GRIDS = ("uniform", "early", "late", "cosine")
ON_GRIDS = ("euler", "midpoint", "heun", "rk4")
"""The samplers that take a time grid."""
BY_TOLERANCE = ("rk45",)
"""The samplers that take a tolerance."""
TOLERANCE = 1e-3


def samplers_help() -> str:
    """Return one line for each objective and each group of its samplers that take the same."""
    lines = []
    for objective, samplers in SAMPLERS.items():
        groups: dict[str, list[str]] = {}
        for name, takes in samplers.items():
            groups.setdefault(takes, []).append(name)
        for takes, names in groups.items():
            lines.append(f"  {objective:<11}{', '.join(names):<16}{takes}")
            objective = ""
    return "\n".join(lines)
