"""Combinations of objective, prediction, sampler and NFE: each is planned or rejected clearly."""

import itertools
import re
from dataclasses import replace

import pytest

from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.plan import plan_run
from fmbench.runs.preparation import check_runnable
from fmbench.runs.sampler_choice import policies_taking, steps_at
from policies.catalogue import POLICIES
from policies.objectives import make_objective

SHAPE = (7, 5)
NFES: list[tuple[int, ...]] = [(1,), (2,), (3,), (4,), (100,), (101,), (1000,), (1, 2, 4, 10)]
PREDICTIONS = sorted({name for o in POLICIES.values() for name in o.predictions} | {"nonsense"})
SAMPLERS = sorted({sampler for objective in POLICIES.values() for sampler in objective.limits})


def rejection(config: RunConfig) -> str:
    """Return the message by which a run is rejected, "" if it is accepted."""
    message = ""
    try:
        check_runnable(config)
    except FmbenchError as error:
        message = str(error)
    assert "\n" not in message
    return message


def with_teacher(policy: str) -> tuple[str, ...]:
    teacher = POLICIES[policy].teacher
    return (policy,) if teacher is None else (policy, teacher)


@pytest.mark.parametrize("policy", list(POLICIES))
def test_every_prediction_and_nfe_is_planned_or_rejected_with_the_valid_ones(policy: str) -> None:
    objective = POLICIES[policy]
    for prediction, nfe in itertools.product(PREDICTIONS, NFES):
        config = RunConfig(policy=with_teacher(policy), prediction=prediction, nfe=nfe)
        message = rejection(config)
        if prediction not in objective.predictions:
            assert message.startswith(
                f"--prediction is {prediction!r}, which is not available for {policy}"
            )
            listed = re.search(rf"\b{policy}: ([a-z_, ]+)", message.partition("; known: ")[2])
            assert listed is not None
            assert tuple(listed[1].split(", ")) == objective.predictions
            continue
        if message:
            sampler = objective.default_sampler
            possible = objective.limits[sampler].possible_nfe
            assert message == (
                f"--nfe is {' '.join(map(str, nfe))}; {sampler}, the sampler of {policy}, "
                f"takes {possible}"
            )
            continue
        cells = plan_run(config).cells("LiftCube", policy, 0)
        assert sum(cell.headline for cell in cells) == 1
        learner = make_objective(policy, prediction, SHAPE)
        for cell in cells:
            learner.check_sampler(cell.sampler, cell.steps)


@pytest.mark.parametrize(("policy", "sampler"), list(itertools.product(POLICIES, SAMPLERS)))
def test_every_sampler_is_accepted_or_rejected_with_the_valid_ones(
    policy: str, sampler: str
) -> None:
    limits = POLICIES[policy].limits
    if sampler not in limits:
        with pytest.raises(FmbenchError) as caught:
            policies_taking(sampler, (policy,), "RUN")
        known = f"known: {policy}: {', '.join(limits)}"
        assert str(caught.value) == f"--sampler is {sampler}, which no policy of RUN takes; {known}"
        return
    assert policies_taking(sampler, (policy,), "RUN") == (policy,)
    learner = make_objective(policy, POLICIES[policy].predictions[0], SHAPE)
    adaptive = limits[sampler].adaptive
    for nfe in (0, 1, 2, 3, 4, 6, 8, 100, 101, 1000):
        message = f"--nfe {nfe}: {sampler} takes {limits[sampler].possible_nfe}"
        if adaptive:
            rejected = re.escape(message.replace(f"--nfe {nfe}:", f"--nfe is {nfe};"))
            with pytest.raises(FmbenchError, match=f"^{rejected}, give --rtol and --atol instead$"):
                steps_at(sampler, policy, (nfe,))
        elif limits[sampler].steps_at(nfe) is None:
            assert steps_at(sampler, policy, (nfe,)) == ((), message)
        else:
            (steps,), impossible = steps_at(sampler, policy, (nfe,))
            assert impossible is None
            learner.check_sampler(sampler, steps)


def test_the_predictions_of_all_policies_are_listed() -> None:
    for first, second in itertools.permutations(POLICIES, 2):
        policies = tuple(dict.fromkeys((*with_teacher(first), *with_teacher(second))))
        for prediction in PREDICTIONS:
            message = rejection(RunConfig(policy=policies, prediction=prediction, nfe=(1, 2, 4)))
            fits = [name for name in policies if prediction in POLICIES[name].predictions]
            assert (not message) == (len(fits) == len(policies))
            assert all(f"{name}: " in message for name in policies) or not message


@pytest.mark.parametrize("policy", list(POLICIES))
def test_steps_that_an_objective_does_not_take_are_rejected_with_the_valid_ones(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = POLICIES[policy]
    default = objective.default_sampler
    narrow = objective.limits[default]._replace(lowest=5, highest=9, default=8)
    entry = replace(objective, limits={default: narrow}, planned=(default,))
    monkeypatch.setitem(POLICIES, policy, entry)
    config = RunConfig(policy=with_teacher(policy), prediction=objective.predictions[0], nfe=(1,))
    assert rejection(config).endswith(f"the sampler of {policy}, takes {narrow.possible_nfe}")
    fitting = replace(config, nfe=(8 * narrow.evaluations,))
    assert not rejection(fitting)
