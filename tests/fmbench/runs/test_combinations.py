"""Every objective, prediction, sampler and NFE go together, or are refused with what does."""

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
PREDICTIONS = sorted({each for o in POLICIES.values() for each in o.predictions} | {"nonsense"})
SAMPLERS = sorted({sampler for objective in POLICIES.values() for sampler in objective.limits})


def refusal(config: RunConfig) -> str:
    """Return the one line by which a run is refused, "" if it is not."""
    said = ""
    try:
        check_runnable(config)
    except FmbenchError as error:
        said = str(error)
    assert "\n" not in said
    return said


def with_teacher(policy: str) -> tuple[str, ...]:
    teacher = POLICIES[policy].teacher
    return (policy,) if teacher is None else (policy, teacher)


@pytest.mark.parametrize("policy", list(POLICIES))
def test_every_prediction_and_nfe_is_planned_or_refused_with_what_is_possible(policy: str) -> None:
    objective = POLICIES[policy]
    for prediction, nfe in itertools.product(PREDICTIONS, NFES):
        config = RunConfig(policy=with_teacher(policy), prediction=prediction, nfe=nfe)
        said = refusal(config)
        if prediction not in objective.predictions:
            assert said.startswith(f"--prediction {prediction} is not possible for {policy}")
            named = re.search(rf"\b{policy}: ([a-z_, ]+)", said.partition("; possible: ")[2])
            assert named is not None
            assert tuple(named[1].split(", ")) == objective.predictions
            continue
        if said:
            sampler = objective.default_sampler
            possible = objective.limits[sampler].possible_nfe
            assert said == (
                f"--nfe {' '.join(map(str, nfe))}: {sampler}, the sampler of {policy}, "
                f"takes {possible}"
            )
            continue
        cells = plan_run(config).cells("LiftCube", policy, 0)
        assert sum(cell.headline for cell in cells) == 1
        learner = make_objective(policy, prediction, SHAPE)
        for cell in cells:
            learner.check_sampler(cell.sampler, cell.steps)


@pytest.mark.parametrize(("policy", "sampler"), list(itertools.product(POLICIES, SAMPLERS)))
def test_every_sampler_is_taken_or_refused_with_what_is_possible(policy: str, sampler: str) -> None:
    limits = POLICIES[policy].limits
    if sampler not in limits:
        with pytest.raises(FmbenchError) as caught:
            policies_taking(sampler, (policy,), "RUN")
        taken = f"possible: {policy}: {', '.join(limits)}"
        assert str(caught.value) == f"no policy of RUN takes {sampler}; {taken}"
        return
    assert policies_taking(sampler, (policy,), "RUN") == (policy,)
    learner = make_objective(policy, POLICIES[policy].predictions[0], SHAPE)
    adaptive = limits[sampler].adaptive
    for nfe in (0, 1, 2, 3, 4, 6, 8, 100, 101, 1000):
        said = f"--nfe {nfe}: {sampler} takes {limits[sampler].possible_nfe}"
        if adaptive:
            with pytest.raises(FmbenchError, match=f"^{re.escape(said)}; give --rtol and --atol"):
                steps_at(sampler, policy, (nfe,))
        elif limits[sampler].steps_at(nfe) is None:
            assert steps_at(sampler, policy, (nfe,)) == ((), said)
        else:
            (steps,), impossible = steps_at(sampler, policy, (nfe,))
            assert impossible is None
            learner.check_sampler(sampler, steps)


def test_possible_predictions_of_all_policies_are_listed_together() -> None:
    for first, second in itertools.permutations(POLICIES, 2):
        policies = tuple(dict.fromkeys((*with_teacher(first), *with_teacher(second))))
        for prediction in PREDICTIONS:
            said = refusal(RunConfig(policy=policies, prediction=prediction, nfe=(1, 2, 4)))
            fits = [name for name in policies if prediction in POLICIES[name].predictions]
            assert (not said) == (len(fits) == len(policies))
            assert all(f"{name}: " in said for name in policies) or not said


@pytest.mark.parametrize("policy", list(POLICIES))
def test_an_objective_whose_steps_do_not_fit_says_which_do(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = POLICIES[policy]
    default = objective.default_sampler
    narrow = objective.limits[default]._replace(lowest=5, highest=9, default=8)
    entry = replace(objective, limits={default: narrow}, planned=(default,))
    monkeypatch.setitem(POLICIES, policy, entry)
    config = RunConfig(policy=with_teacher(policy), prediction=objective.predictions[0], nfe=(1,))
    assert refusal(config).endswith(f"the sampler of {policy}, takes {narrow.possible_nfe}")
    fitting = replace(config, nfe=(8 * narrow.evaluations,))
    assert not refusal(fitting)
