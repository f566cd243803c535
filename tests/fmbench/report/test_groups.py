"""Groups of runs: what may be drawn together, and in words why others are not."""

import dataclasses

import pytest

from fmbench.report.groups import GroupKind, group_alike
from fmbench.report.page.charts.matrix import KIND
from fmbench.report.results import Results
from tests.fmbench.report.page.small_runs import made_run, named


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    return made_run(tmp_path_factory.mktemp("run")).results


def _runs(results, **configs):
    return [(name, named(name, results, **config).results) for name, config in configs.items()]


def test_alike_runs_are_one_group_and_others_say_what_differs(results):
    runs = _runs(results, a={}, b={"backbone": "dit"}, c={"demos": 200}, d={"demos": 200})
    first, second, third = group_alike(runs, KIND)
    assert [name for name, _ in first.runs] == ["a", "b"]
    assert not first.difference
    assert first.label == "a and 1 more run"
    assert second.difference == "demos is 50 in a and 200 in c"
    # the fourth repeats what the third has, so that it cannot join either
    assert [name for name, _ in third.runs] == ["d"]


def test_a_run_that_repeats_a_cell_is_drawn_apart(results):
    _, second = group_alike(_runs(results, a={}, b={}), KIND)
    assert second.difference == "both have bc on LiftCube with mlp and 2 more"


def test_runs_without_a_configuration_are_alone(results):
    bare = dataclasses.replace(results, run=dataclasses.replace(results.run, config={}))
    groups = group_alike([("a", bare), ("b", bare)], KIND)
    assert len(groups) == 2
    assert groups[1].difference.startswith("a has no backbone in run.json")


def test_another_machine_is_another_group(results):
    places = iter(("here", "there"))
    where = {name: next(places) for name in ("a", "b")}
    runs = _runs(results, a={}, b={"backbone": "dit"})
    machines = {id(found): where[name] for name, found in runs}
    kind = dataclasses.replace(KIND, measured=lambda found: machines[id(found)])
    assert [group.difference for group in group_alike(runs, kind)] == [
        "",
        "measured on there, not on here",
    ]


def test_what_no_cell_names_may_repeat(results):
    kind = GroupKind(KIND.may_differ, "backbone", "backbone", lambda found: ())
    assert len(group_alike(_runs(results, a={}, b={}, c={}), kind)) == 1
