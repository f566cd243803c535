"""A run with delays states the control periods of its tasks, by which its latencies are delays."""

from pathlib import Path
from typing import Any

import pytest

from envs.registry import TASKS
from fmbench.config import make_config
from fmbench.runs.control_periods import control_periods
from fmbench.runs.run_folder import start_facts
from fmbench.storage.run_facts import read_run_facts, write_run_facts


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"delay": ("0",)}, None),
        ({"delay": ("0", "2")}, {"PressEither": 0.04}),
        ({"execution": ("ensemble",)}, {"PressEither": 0.04}),
        ({"execution": ("bid",), "policy": ("bc",)}, None),
    ],
)
def test_it_is_stated_where_a_policy_acts_delayed(
    given: dict[str, Any], expected: dict[str, float] | None, tmp_path: Path
) -> None:
    config = make_config(
        "smoke", {"task": ("PressEither",), "policy": ("flow",), **given}, tuple(TASKS)
    )
    assert control_periods(config) == expected
    facts = start_facts(config, {}, "")
    write_run_facts(tmp_path, facts)
    assert read_run_facts(tmp_path).control_periods == expected
