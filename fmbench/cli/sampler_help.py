"""Help texts about the samplers of every policy."""

from policies.catalogue import GRIDS, POLICIES


def samplers_help() -> str:
    """Return one line per policy and group of its samplers with the same network evaluations."""
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
    """Return the sentence about the samplers that take a time grid or tolerances."""
    limits = {name: limit for entry in POLICIES.values() for name, limit in entry.limits.items()}
    with_grid = [name for name, limit in limits.items() if limit.grids]
    adaptive = [name for name, limit in limits.items() if limit.adaptive]
    return (
        f"{', '.join(with_grid)} take a time grid: {', '.join(GRIDS)};\n"
        f"{', '.join(adaptive)} takes tolerances, from 1e-10 to 1, instead of --nfe."
    )
