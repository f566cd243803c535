"""Labels, colours and order of policies: from `run.json` first, then from the catalogue."""

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


def test_catalogue_gives_labels_order_and_distinct_colours() -> None:
    assert sorted(["random", *reversed(POLICIES), "expert"], key=OF_CATALOGUE.order) == [
        "expert",
        "random",
        *POLICIES,
    ]
    assert [OF_CATALOGUE.label(name) for name in POLICIES] == list(POLICIES)
    colours = OF_CATALOGUE.colours([*POLICIES, "ppo", "sac"])
    assert len(set(colours.values())) == len(POLICIES) + 2
    assert (colours["ppo"], colours["sac"]) == MORE_COLOURS[:2]


def test_recorded_looks_take_precedence() -> None:
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


def test_colour_of_an_unknown_policy_is_unused() -> None:
    looks = Looks(RunFacts(policies={"l1": asdict(Look("l1", MORE_COLOURS[0], 100))}))
    assert looks.colours(["ppo", "l1"])["ppo"] == MORE_COLOURS[1]


def test_recorded_looks_of_the_catalogue_are_restored() -> None:
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
def test_damaged_record_is_rejected(record: Any) -> None:
    with pytest.raises(FmbenchError, match=r"run\.json"):
        Looks(RunFacts(policies=record))


def test_catalogue_gives_backbone_order_and_samplers_without_choice_of_steps() -> None:
    assert sorted(["own", *reversed(BACKBONES), ""], key=backbone_order) == ["", *BACKBONES, "own"]
    without_choice = [name for name in SAMPLERS if not has_choice_of_steps(name)]
    assert without_choice == ["one_step", "two_step", "direct", "mixture", "nearest"]
    assert has_choice_of_steps("own")


def test_policies_from_outside_with_one_colour_are_told_apart() -> None:
    outside = {name: asdict(Look(name, "#6699CC", 1000)) for name in ("theirs", "theirs-more")}
    runs = [
        RunFacts(policies={name: look}, outside={"library": "other"})
        for name, look in outside.items()
    ]
    colours = Looks(*runs).colours(["flow", "theirs", "theirs-more", "unknown"])
    assert colours["theirs"] == "#6699CC"
    assert len(set(colours.values())) == 4
    same = {name: asdict(Look(name, "#6699CC", 1)) for name in ("own", "own-more")}
    given = Looks(RunFacts(policies=same)).colours(list(same))  # a user who gave them one colour
    assert given == dict.fromkeys(same, "#6699CC")
