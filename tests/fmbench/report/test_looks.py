"""How policies are shown: from a run's own file first, then from the catalogue."""

from dataclasses import asdict
from typing import Any

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.looks import (
    OF_CATALOGUE,
    Look,
    Looks,
    backbone_order,
    has_choice_of_steps,
    record_looks,
)
from fmbench.storage.run_facts import RunFacts
from policies.catalogue import BACKBONES, MORE_COLOURS, POLICIES, SAMPLERS

OWN = Look("L1 regression", "#123456", 15)
FM = {"label": "FM", "colour": "#0072B2", "place": 10}
RUN = RunFacts(policies={"l1": asdict(OWN), "flow": FM})


def test_the_suite_is_shown_by_its_names_in_its_own_order_and_colours() -> None:
    assert sorted(["random", *reversed(POLICIES), "expert"], key=OF_CATALOGUE.order) == [
        "expert",
        "random",
        *POLICIES,
    ]
    assert [OF_CATALOGUE.label(name) for name in POLICIES] == list(POLICIES)
    colours = OF_CATALOGUE.colours([*POLICIES, "ppo", "sac"])
    assert len(set(colours.values())) == len(POLICIES) + 2
    assert (colours["ppo"], colours["sac"]) == MORE_COLOURS[:2]


def test_what_a_run_says_comes_first() -> None:
    looks = Looks(RunFacts(), RUN, RunFacts(policies={"l1": asdict(Look("later", "#000000", 1))}))
    assert sorted(["ppo", "bc", "l1", "reflow", "flow", "random"], key=looks.order) == [
        "random",
        "flow",
        "l1",
        "reflow",
        "bc",
        "ppo",
    ]
    assert [looks.label(name) for name in ("flow", "l1", "bc", "ppo", "expert")] == [
        "FM",
        "L1 regression",
        "bc",
        "ppo",
        "expert",
    ]
    assert looks.colours(["flow", "l1"]) == {"flow": "#0072B2", "l1": "#123456"}
    assert [looks.is_known(name) for name in ("flow", "l1", "bc", "ppo")] == [True, True] + [
        False
    ] * 2
    assert OF_CATALOGUE.is_known("bc")
    assert not OF_CATALOGUE.is_known("expert")


def test_a_free_colour_is_nobody_elses() -> None:
    taken = Looks(RunFacts(policies={"l1": asdict(Look("l1", MORE_COLOURS[0], 100))}))
    assert taken.colours(["ppo", "l1"])["ppo"] == MORE_COLOURS[1]


def test_what_is_recorded_of_the_suite_is_what_the_catalogue_says() -> None:
    assert Looks(RunFacts(policies=record_looks(list(POLICIES)))).colours(
        list(POLICIES)
    ) == OF_CATALOGUE.colours(list(POLICIES))


@pytest.mark.parametrize(
    "record",
    [
        {"l1": None},
        {"l1": {**asdict(OWN), "colour": "blue"}},
        {"l1": {**asdict(OWN), "place": "first"}},
        {"l1": {"label": "L1"}},
    ],
)
def test_a_damaged_record_is_refused(record: Any) -> None:
    with pytest.raises(FmbenchError, match=r"run\.json"):
        Looks(RunFacts(policies=record))


def test_backbones_and_steps_are_told_by_the_catalogue() -> None:
    assert sorted(["own", *reversed(BACKBONES), ""], key=backbone_order) == ["", *BACKBONES, "own"]
    told = [name for name in SAMPLERS if not has_choice_of_steps(name)]
    assert told == ["two_step", "direct", "mixture", "nearest"]
    assert has_choice_of_steps("own")
