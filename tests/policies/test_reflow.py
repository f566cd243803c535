"""Reflow learns from a trained flow, which it does not change, save or need for acting."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import POLICIES
from policies.objectives.reflow import TEACHER_STEPS
from policies.teaching import teach

CONFIG = ChunkPolicyConfig(4, 3, 2, 5, "flow", width=16, depth=1)
OBSERVATIONS = torch.randn(9, 2, 4, generator=torch.Generator().manual_seed(0))
ACTIONS = torch.rand(9, 5, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1


def build(config: ChunkPolicyConfig = CONFIG, seed: int = 0, scale: float = 1.0) -> ChunkPolicy:
    """A policy with non-zero output, fitted to the common data times `scale`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        policy = ChunkPolicy(config)
        for parameter in policy.parameters():
            nn.init.normal_(parameter, std=0.05)
    policy.fit_normalizers(OBSERVATIONS * scale, ACTIONS * scale)
    return policy


def build_student(prediction: str = "sample") -> tuple[ChunkPolicy, ChunkPolicy]:
    """A student and its teacher."""
    teacher = build(replace(CONFIG, prediction=prediction))
    student = build(replace(CONFIG, prediction=prediction, objective="reflow"), seed=1)
    teach(student, teacher)
    return student, teacher


def loss(policy: ChunkPolicy, actions: Tensor = ACTIONS, seed: int = 3) -> Tensor:
    return policy.loss(OBSERVATIONS, actions, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prediction", ["sample", "velocity"])
def test_noise_is_coupled_to_the_teachers_chunk(prediction: str) -> None:
    student, teacher = build_student(prediction)
    for parameter in student.network.parameters():
        parameter.data.zero_()  # the output of the student does not matter
    condition = OBSERVATIONS.flatten(1)
    generator = torch.Generator().manual_seed(2)
    noise, chunks = student.objective.coupling(ACTIONS, condition, generator)
    drawn = torch.randn(ACTIONS.shape, generator=torch.Generator().manual_seed(2))
    assert torch.equal(noise, drawn)
    sampled = teacher.objective.sample(
        teacher.network, condition, lambda: drawn, "euler", TEACHER_STEPS
    )
    assert torch.equal(chunks, sampled)
    assert not chunks.requires_grad


def test_the_demonstrated_chunks_are_not_used() -> None:
    student, _ = build_student()
    assert torch.equal(loss(student), loss(student, torch.full_like(ACTIONS, torch.nan)))
    assert not torch.equal(loss(student), loss(student, seed=4))


def test_the_loss_is_zero_if_the_students_paths_are_straight() -> None:
    student, teacher = build_student()
    for policy in (student, teacher):
        for parameter in policy.network.parameters():
            parameter.data.zero_()  # every path leads straight to 0
    teach(student, teacher)
    assert loss(student) == 0


def test_training_changes_only_the_student() -> None:
    student, teacher = build_student()
    before = copy.deepcopy(teacher.state_dict())
    optimizer = torch.optim.SGD(student.parameters(), lr=1e-4)
    first = loss(student)
    torch.autograd.backward(first)
    optimizer.step()
    assert all(torch.equal(before[key], value) for key, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(parameter.requires_grad for parameter in teacher.parameters())
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    fresh, _ = build_student()
    pairs = [
        policy.objective.coupling(ACTIONS, OBSERVATIONS.flatten(1), generator)[1]
        for policy, generator in zip((student, fresh), generators, strict=True)
    ]
    assert torch.equal(*pairs), "the teacher must not change"
    assert loss(student) < first


def test_the_teacher_is_not_part_of_the_student() -> None:
    student, teacher = build_student()
    alone = build(student.config)
    assert list(student.state_dict()) == list(alone.state_dict())
    assert len(list(student.parameters())) == len(list(teacher.parameters()))
    alone.load_state_dict(student.state_dict())
    copied = copy.deepcopy(student)
    noise = torch.randn(ACTIONS.shape, generator=torch.Generator().manual_seed(5))
    chunks = [policy.sample(OBSERVATIONS, lambda: noise) for policy in (student, alone, copied)]
    assert torch.equal(chunks[0].actions, chunks[1].actions)
    assert torch.equal(chunks[0].actions, chunks[2].actions)
    for policy in (alone, copied):
        with pytest.raises(ValueError, match="Reflow has no teacher; give it a trained flow"):
            loss(policy)


def test_the_teacher_moves_with_the_student() -> None:
    student, teacher = build_student()
    single = loss(student)
    student.double()
    generator = torch.Generator().manual_seed(3)
    assert student.loss(OBSERVATIONS.double(), ACTIONS.double(), generator).dtype == torch.float64
    student.float()
    assert torch.equal(loss(student), single)
    assert next(teacher.parameters()).dtype == torch.float32


def test_the_loss_reads_no_values_from_the_device() -> None:
    student, _ = build_student()
    student.to("meta")  # tensors without values: reading one raises, as waiting for a GPU would
    generator = torch.Generator().manual_seed(0)
    assert student.loss(OBSERVATIONS.to("meta"), ACTIONS.to("meta"), generator).is_meta


def test_a_student_starts_as_its_teacher_and_keeps_its_own_normalisers() -> None:
    student, teacher = build_student()
    for key, value in teacher.state_dict().items():
        assert torch.equal(student.state_dict()[key], value)
    teacher.action_normalizer.offset += 1
    assert not torch.equal(student.action_normalizer.offset, teacher.action_normalizer.offset)


def other_normalisers() -> ChunkPolicy:
    return build(scale=2.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: build(replace(CONFIG, objective="bc")),
            "teacher is 'bc'; 'reflow' learns from 'f",
        ),
        (lambda: build(replace(CONFIG, width=8)), "network is .*'width': 8.*; the student's is "),
        (lambda: build(replace(CONFIG, prediction="velocity")), "network is .*; the student's "),
        (other_normalisers, "teacher's observation_normalizer differs .* the same demonstrations"),
    ],
)
def test_mismatched_teachers_are_rejected(make: Callable[[], ChunkPolicy], message: str) -> None:
    student = build(replace(CONFIG, objective="reflow"))
    before = copy.deepcopy(student.state_dict())
    with pytest.raises(ValueError, match=message):
        teach(student, make())
    assert all(torch.equal(before[key], value) for key, value in student.state_dict().items())


def test_options_of_the_teachers_own_loss_may_differ() -> None:
    teacher = build(replace(CONFIG, time_sampling="beta", pairing="optimal_transport"))
    student = build(replace(CONFIG, objective="reflow"))
    teach(student, teacher)
    taught = student.network.state_dict()
    assert all(torch.equal(taught[k], v) for k, v in teacher.network.state_dict().items())


@pytest.mark.parametrize("name", [name for name, entry in POLICIES.items() if not entry.teacher])
def test_objectives_without_a_teacher_reject_one(name: str) -> None:
    policy = build(replace(CONFIG, objective=name))
    with pytest.raises(ValueError, match="has no teacher; it learns from data alone"):
        policy.objective.learn_from(policy.network)
