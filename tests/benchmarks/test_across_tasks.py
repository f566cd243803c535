"""The committed coverage of intervals over tasks, recomputed in part."""

import pandas as pd
import pytest

from fmbench.report.across_tasks.text import BEYOND, COVERAGE
from tests.benchmarks import across_tasks as simulated

TABLE = pd.read_csv(simulated.TABLE)


def test_the_stated_coverage_is_the_simulated_one() -> None:
    assert [tuple(row) for row in TABLE.iloc[:, :4].itertuples(index=False)] == simulated.cells()
    assert set(COVERAGE) == set(TABLE["seeds"])
    for seeds, stated in COVERAGE.items():
        of_seeds = (TABLE["spread"] == 0.3) & (TABLE["seeds"] == seeds)
        shares = TABLE.loc[of_seeds, list(simulated.NAMES)].to_numpy()
        assert stated == pytest.approx((shares.min(), shares.mean()), abs=5e-4)
        is_closer = (TABLE["spread"] < 0.3) & (TABLE["seeds"] == seeds)
        closer = TABLE.loc[is_closer, list(simulated.NAMES)]
        assert closer.to_numpy().min() > 0.945, (
            "where seeds deviate by less, it is at least nominal"
        )
    extreme = (TABLE["spread"] == 1) & (TABLE["seeds"] == 3)
    beyond = TABLE.loc[extreme, list(simulated.NAMES)].to_numpy()
    assert pytest.approx(beyond.min(), abs=5e-4) == BEYOND


def test_plain_quantiles_can_cover_far_less() -> None:
    moderate = TABLE[TABLE["spread"] <= 0.3]
    plain = [f"{name}_plain" for name in simulated.NAMES]
    for seeds, (least, _) in COVERAGE.items():
        assert moderate.loc[moderate["seeds"] == seeds, plain].to_numpy().min() < least
    assert moderate["improvement_plain"].min() < 0.5
    assert moderate["improvement"].min() > 0.93


def test_a_cell_of_the_simulation_is_computed_again() -> None:
    again = pd.DataFrame([simulated.coverage_of(simulated.cells()[0])])
    pd.testing.assert_frame_equal(again, TABLE.iloc[[0]].reset_index(drop=True))
