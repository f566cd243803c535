"""The adaptive solver: its error follows its tolerance, and its rows are independent."""

import numpy as np
import pytest
import torch
from torch import Tensor

from policies.catalogue import TOLERANCE
from policies.objectives import make_objective
from policies.samplers import dormand_prince
from policies.samplers.dormand_prince import ERROR, NODES, STAGES, rk45
from policies.schedules import velocity_from_sample
from tests.policies.linear_gaussian import (
    COVARIANCE,
    MEAN,
    POINTS,
    exact_flow,
    moments,
    optimal_sample,
    optimal_velocity,
)

SCALES = torch.tensor([0.0, 0.1, 0.5, 1.0, 3.0], dtype=torch.float64)[:, None, None]
X = SCALES * torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
ENDS = {"velocity": False, "sample": True}


class Counted:
    """The optimal field, row by row; `nfe` counts each row's evaluations."""

    def __init__(self, prediction: str, rows: int = len(X)) -> None:
        self.prediction, self.nfe = prediction, torch.zeros(rows, dtype=torch.int64)
        self.latest = 0.0

    def __call__(self, x_t: Tensor, t: Tensor, active: Tensor) -> Tensor:
        self.nfe += active
        self.latest = max(self.latest, float(t[active].max())) if active.any() else self.latest
        t = t[:, None, None]
        if self.prediction == "velocity":
            return optimal_velocity(x_t, t)
        velocity = velocity_from_sample(optimal_sample(x_t, t, 1 - t), x_t, t)
        return torch.where(active[:, None, None], velocity, torch.nan)  # must not be used


def test_the_tableau_satisfies_its_order_conditions() -> None:
    # Hairer, Norsett & Wanner 1993, section II.1, table 2.1: the quadrature conditions to order 5
    nodes = np.array([0.0, *NODES])
    rows = np.zeros((7, 7))
    for i, weights in enumerate(STAGES, start=1):
        rows[i, : len(weights)] = weights
    np.testing.assert_allclose(rows.sum(1), nodes, atol=1e-14)
    fifth, fourth = rows[6], rows[6] - np.array(ERROR)
    for weights, order in ((fifth, 5), (fourth, 4)):
        for k in range(order):
            assert weights @ nodes**k == pytest.approx(1 / (k + 1), abs=1e-14)
        assert weights @ rows @ nodes == pytest.approx(1 / 6, abs=1e-14)
        assert weights @ rows @ nodes**2 == pytest.approx(1 / 12, abs=1e-14)
        assert weights @ rows @ rows @ nodes == pytest.approx(1 / 24, abs=1e-14)


@pytest.mark.parametrize("prediction", ENDS)
def test_the_error_follows_the_tolerance(prediction: str) -> None:
    tolerances = [10.0**-k for k in range(2, 9)]
    errors, costs = [], []
    for tolerance in tolerances:
        field = Counted(prediction)
        mapped = rk45(field, X, tolerance, tolerance, ENDS[prediction])
        unit = tolerance * (1 + exact_flow(X).abs())
        errors.append(float(((mapped - exact_flow(X)) / unit).abs().max()))
        costs.append(int(field.nfe.max()))
    assert max(errors) < 20, "the error per step is at most 1, summed over some steps"
    assert costs == sorted(costs)
    assert costs[-1] > 3 * costs[0]
    # The error of a step has order 5, the controlled estimate order 4: the slope is 1 to 5 / 4.
    absolute = np.log10(np.array(errors) * tolerances)
    assert 0.9 < np.polyfit(np.log10(tolerances), absolute, 1)[0] < 1.3


@pytest.mark.parametrize("prediction", ENDS)
def test_it_reaches_the_target_mean_and_covariance(prediction: str) -> None:
    field = Counted(prediction, len(POINTS))
    mean, covariance = moments(rk45(field, POINTS, 1e-7, 1e-7, ENDS[prediction]))
    torch.testing.assert_close(mean, MEAN, atol=1e-6, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=1e-6, rtol=0)
    assert field.latest <= 1
    assert field.latest < 1 or prediction == "velocity"


@pytest.mark.parametrize("singular_end", [False, True])
def test_constant_fields_are_exact_and_leave_the_noise_unchanged(singular_end: bool) -> None:
    before = X.clone()
    mapped = rk45(lambda x_t, t, active: torch.full_like(x_t, 0.75), X, 1e-3, 1e-3, singular_end)
    torch.testing.assert_close(mapped, X + 0.75, rtol=0, atol=1e-13)
    assert torch.equal(X, before)


@pytest.mark.parametrize("prediction", ENDS)
def test_a_row_takes_the_same_steps_alone_and_in_a_batch(prediction: str) -> None:
    together = Counted(prediction)
    mapped = rk45(together, X, 1e-5, 1e-5, ENDS[prediction])
    assert together.nfe.unique().numel() > 2, "the rows must need different numbers of steps"
    for order in ([0], [3], [4, 0], [4, 3, 2, 1, 0]):
        alone = Counted(prediction, len(order))
        torch.testing.assert_close(
            rk45(alone, X[order], 1e-5, 1e-5, ENDS[prediction]), mapped[order], atol=1e-12, rtol=0
        )
        assert alone.nfe.tolist() == together.nfe[order].tolist()


def test_a_failed_row_ends_as_nan_without_affecting_the_others() -> None:
    def field(x_t: Tensor, t: Tensor, active: Tensor) -> Tensor:
        calls.append(active.clone())
        slope = torch.cos(3 * x_t)
        bad = (t > 0.5) & (torch.arange(len(x_t)) == 2) if len(x_t) > 1 else t > 2
        return torch.where(bad[:, None, None], torch.nan, slope)

    calls: list[Tensor] = []
    mapped = rk45(field, X, 1e-4, 1e-4)
    assert mapped.isnan().flatten(1).all(1).tolist() == [False, False, True, False, False]
    calls.clear()
    torch.testing.assert_close(rk45(field, X[3:4], 1e-4, 1e-4), mapped[3:4], atol=1e-12, rtol=0)


def test_a_row_out_of_steps_ends_with_an_euler_step(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = []
    for most in (3, 6, 12):
        monkeypatch.setattr(dormand_prince, "MOST_STEPS", most)
        field = Counted("velocity")
        mapped = rk45(field, X, 1e-8, 1e-8)
        assert field.nfe[1:].tolist() == [2 + 6 * most] * 4
        errors.append(float((mapped - exact_flow(X)).abs().max()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] > 1e-6, "all runs must end before the tolerance is reached"


def test_predictions_that_never_converge_terminate() -> None:
    # actions_hat = x + 1 has the velocity 1 / (1 - t), whose path diverges.
    nfe = torch.zeros(5, dtype=torch.int64)

    def field(x_t: Tensor, t: Tensor, active: Tensor) -> Tensor:
        nfe.add_(active)
        return velocity_from_sample(x_t + 1, x_t, t[:, None, None])

    mapped = rk45(field, X, 1e-3, 1e-3, singular_end=True)
    assert mapped.isfinite().all()
    assert nfe.max() < 400


@pytest.mark.parametrize("prediction", ENDS)
def test_float32_chunks_are_float32_and_accurate(prediction: str) -> None:
    field = Counted(prediction)
    mapped = rk45(
        lambda x_t, t, active: field(x_t.double(), t, active).float(),
        X.float(),
        1e-5,
        1e-5,
        ENDS[prediction],
    )
    assert mapped.dtype == torch.float32
    torch.testing.assert_close(mapped.double(), exact_flow(X), atol=2e-4, rtol=0)


def test_a_flow_passes_its_tolerances_to_the_solver() -> None:
    objective = make_objective("flow", "sample", (4, 3))
    calls: list[int] = []

    def network(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        calls.append(1)
        t = time[:, None, None].double()
        return optimal_sample(noisy_actions.double(), t, 1 - t).float()

    results = []  # (evaluations, error)
    for sampler in ("rk45:0.1,0.1", "rk45", "rk45:1e-5,1e-5"):
        calls.clear()
        chunk = objective.sample(network, torch.zeros(5, 2), X.float, sampler, 0)
        results.append((len(calls), float((chunk - exact_flow(X)).abs().max())))
    assert results == sorted(results, key=lambda pair: (pair[0], -pair[1]))
    assert results[0][0] < results[1][0] < results[2][0]
    assert results[2][1] < 2e-4


@pytest.mark.parametrize(("prediction", "evaluations"), [("sample", 8), ("velocity", 14)])
def test_straight_paths_have_a_least_number_of_evaluations(
    prediction: str, evaluations: int
) -> None:
    """The first step is chosen before an error is known; later ones are at most ten times as long.

    Only with predicted chunks the last step may cover what is left, however much that is.
    """
    generator = torch.Generator().manual_seed(0)
    noise, data = torch.randn(2, 8, 16, 20, generator=generator, dtype=torch.float64)
    counts = torch.zeros(8, dtype=torch.int64)

    def straight(x_t: Tensor, t: Tensor, active: Tensor) -> Tensor:
        counts.add_(active)
        return data - noise

    reached = rk45(straight, noise, TOLERANCE, TOLERANCE, singular_end=ENDS[prediction])
    assert counts.tolist() == [evaluations] * 8
    torch.testing.assert_close(reached, data)
