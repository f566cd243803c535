"""Initialise a student from its teacher; check that their networks match."""

import torch

from policies.catalogue import COUNTS, OPTIONS, POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig


def network_facts(config: ChunkPolicyConfig, student: str) -> dict[str, int | str]:
    """Return what a teacher and its student must share.

    It is all but the objective and its options, of which some must be shared, too.

    Args:
        config: The configuration of either of them.
        student: The objective of the student.
    """
    own_fields = {"objective", *OPTIONS, *COUNTS} - set(POLICIES[student].shares)
    return {name: value for name, value in config.to_json().items() if name not in own_fields}


def teach(student: ChunkPolicy, teacher: ChunkPolicy) -> None:
    """Copy the teacher's weights to the student, and its network to the student's loss.

    Both networks get the same condition: an encoder with weights is the teacher's, and is not
    trained further.

    Teacher and student keep their own normalisers. These must be equal, because normalised chunks
    and observations pass from one to the other.

    Args:
        student: A policy whose objective names a `teacher`; its normalisers are fitted.
        teacher: A trained policy of that objective; left unchanged.

    Raises:
        ValueError: The teacher's objective, network or normalisers do not match.
    """
    required, objective = student.objective.teacher, teacher.config.objective
    if required is not None and objective != required:
        raise ValueError(
            f"teacher is {objective!r}; {student.config.objective!r} learns from {required!r}"
        )
    teacher_facts, student_facts = (
        network_facts(policy.config, student.config.objective) for policy in (teacher, student)
    )
    if teacher_facts != student_facts:
        raise ValueError(f"teacher's network is {teacher_facts}; the student's is {student_facts}")
    for name in ("observation_normalizer", "action_normalizer"):
        theirs, ours = (getattr(policy, name).state_dict() for policy in (teacher, student))
        if not all(torch.equal(theirs[key].cpu(), ours[key].cpu()) for key in ours):
            raise ValueError(
                f"teacher's {name} differs from the student's; "
                "both must be trained on the same demonstrations"
            )
    student.encoder.load_state_dict(teacher.encoder.state_dict())
    student.encoder.requires_grad_(requires_grad=False)
    student.objective.learn_from(teacher.network)
    student.network.load_state_dict(teacher.network.state_dict())
