"""Let one trained policy teach another: what both must share, and what passes over."""

import torch

from policies.catalogue import OPTIONS
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig


def network_facts(config: ChunkPolicyConfig) -> dict[str, int | str]:
    """Return what a teacher and its student share: all but the objective and its choices."""
    own = ("objective", *OPTIONS)
    return {name: value for name, value in config.to_json().items() if name not in own}


def teach(student: ChunkPolicy, teacher: ChunkPolicy) -> None:
    """Give a student the weights of its teacher to start from, and its network to learn from.

    Each keeps its own normalisers. They must be the same, since normalised chunks and observations
    pass from one to the other.

    Args:
        student: A policy whose objective names a `teacher`; its normalisers are fitted.
        teacher: A trained policy of that objective; stays as it is.

    Raises:
        ValueError: The teacher is of another objective, or its network or normalisers differ.
    """
    wanted, name = student.objective.teacher, teacher.config.objective
    if wanted is not None and name != wanted:
        raise ValueError(f"{student.config.objective!r} learns from {wanted!r}, not from {name!r}.")
    there, here = network_facts(teacher.config), network_facts(student.config)
    if there != here:
        raise ValueError(f"The teacher's network differs: {there} there, {here} here.")
    for part in ("observation_normalizer", "action_normalizer"):
        its, own = (getattr(policy, part).state_dict() for policy in (teacher, student))
        if not all(torch.equal(its[key].cpu(), own[key].cpu()) for key in own):
            raise ValueError(f"The teacher's {part} differs: other demonstrations taught it.")
    student.objective.learn_from(teacher.network)
    student.network.load_state_dict(teacher.network.state_dict())
