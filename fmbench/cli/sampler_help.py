"""The samplers of every policy in words, for help texts."""

from policies.catalogue import GRIDS, POLICIES


def samplers_help() -> str:
    """Return one line for each policy and each group of its samplers that take the same."""
    lines = []
    for policy, entry in POLICIES.items():
        groups: dict[str, list[str]] = {}
        for name, limits in entry.limits.items():
            takes = limits.possible_nfe.replace(" network evaluations", "")
            groups.setdefault(takes.replace(" network evaluation", ""), []).append(name)
        for takes, names in groups.items():
            lines.append(f"  {policy:<11}{', '.join(names):<16}{takes}")
            policy = ""
    return "\n".join(lines)


def suffixes_help() -> str:
    """Return which samplers take a time grid, and which take tolerances."""
    limits = {name: each for entry in POLICIES.values() for name, each in entry.limits.items()}
    on_grids = [name for name, each in limits.items() if each.grids]
    by_tolerance = [name for name, each in limits.items() if each.adaptive]
    return (
        f"{', '.join(on_grids)} take a time grid: {', '.join(GRIDS)};\n"
        f"{', '.join(by_tolerance)} takes tolerances, from 1e-10 to 1, in the place of --nfe."
    )
