"""Comparisons of policies from outside with those of runs, from rows with known outcomes."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from envs.task_hash import HASH_KIND
from fmbench.errors import FmbenchError
from fmbench.report.comparable import read_alike
from fmbench.report.looks import record_looks
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.matrix.pairs import OUTSIDE, PairRow
from fmbench.report.may_differ import CURVE, MATRIX
from fmbench.report.outside import outside_pairs
from fmbench.report.page.board import board_rows
from fmbench.report.page.charts.latency import FRONT_NAME, latency_chart
from fmbench.report.page.charts.matrix import REFERENCE_DASHES, matrix_parts
from fmbench.report.page.outside import outside_notes, pairs_of_page
from fmbench.report.page.runs import NamedRun
from fmbench.report.results import read_results
from fmbench.report.statistics import mcnemar_exact
from fmbench.storage.episode_files import Episodes, write_episodes
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import MeasurementRow
from fmbench.storage.run_facts import RUN_FILE, SEAL, RunFacts, write_run_facts
from tests.fmbench.fake_run import episode_row, origins_of

EPISODES, TASK, FIRST = 20, "Task", 3_000_000
CONFIG = {"task": [TASK], "seeds": 1, "episodes": EPISODES, "demos": 5, "preset": "default"}
OF_RUN = {**CONFIG, "policy": ["flow", "bc"], "backbone": "mlp", "exec_horizon": 8}
OF_OUTSIDE = {**CONFIG, "policy": ["else"], "backbone": "other", "exec_horizon": 4}


def write_run(
    folder: Path, solved: dict[str, int], config: dict[str, object], **more: object
) -> Path:
    """Write a run of which each policy solves its first episodes."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for policy, count in solved.items():
        for k in range(EPISODES):
            row = episode_row(rng, TASK, policy, ("direct", 1, 1), 0, FIRST + k, float(k < count))
            rows.append(dataclasses.replace(row, success_any=row.success))
    origins = [dataclasses.replace(row, demonstrations_hash="data") for row in origins_of(rows)]
    write_episodes(folder, Episodes(rows, origins))
    parameters = 10 if "flow" in solved else 99
    costs = [
        MeasurementRow(
            TASK, policy, "direct", 1, 0, True, parameters, 6, None, 1.0 + place, 2.0 + place
        )
        for place, policy in enumerate(solved)
    ]
    write_rows(folder / MeasurementRow.file_name, costs, MeasurementRow)
    facts = RunFacts(
        config=config, task_hashes={TASK: "ab" * 32}, hash_kind=HASH_KIND, complete=True, **more
    )
    write_run_facts(folder, facts)
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    look = {"label": "Elsewhere", "colour": "#332288", "place": 1000}
    looks = record_looks(["flow", "bc"])
    own = write_run(tmp_path / "own", {"flow": 18, "bc": 6}, OF_RUN, policies=looks)
    facts = {"outside": {"library": "other"}, "policies": {"else": look}}
    return [own, write_run(tmp_path / "outside", {"else": 9}, OF_OUTSIDE, **facts)]


def test_a_matrix_of_one_policy_has_no_empty_comparisons(
    folders: list[Path], tmp_path: Path
) -> None:
    one = write_run(tmp_path / "one", {"flow": 18}, OF_RUN, policies=record_looks(["flow"]))
    out = tmp_path / "matrix"
    out.mkdir()
    draw_matrix([one, folders[1]], out, lambda line: None)
    text = (out / "matrix.md").read_text()
    assert "### Comparisons" not in text
    assert "the last EMA checkpoint of fmbench's own policies. In brackets" in text
    draw_matrix([one], out, lambda line: None)
    assert "the last EMA checkpoint. In brackets" in (out / "matrix.md").read_text()
    draw_matrix(folders[1:], out, lambda line: None)
    assert "| Distance of the nearest sample |" not in (out / "matrix.md").read_text()


def test_pairs_are_of_the_same_episodes(folders: list[Path]) -> None:
    (pair,) = outside_pairs([read_results(folder) for folder in folders])
    flow, bc = pair.table.to_dict("records")
    assert (flow["policy_a"], flow["policy_b"]) == ("flow", "else")
    assert (flow["b"], flow["c"], flow["episodes"]) == (9, 0, EPISODES)
    assert flow["p"] == mcnemar_exact(np.arange(20) < 18, np.arange(20) < 9).p
    assert flow["p_holm"] == pytest.approx(2 * flow["p"])  # of two comparisons
    assert (flow["verdict"], flow["favours"]) == ("ahead", "flow")
    assert (bc["b"], bc["c"], bc["favours"]) == (0, 3, "else")


def test_what_differs_is_said(folders: list[Path]) -> None:
    (pair,) = outside_pairs([read_results(folder) for folder in folders])
    assert pair.differences == (
        "Elsewhere differs from the policies of the other run in exec_horizon 4 (there 8)",
        "Task: policies differ in parameters: flow 10; bc 10; Elsewhere 99",
    )


def test_what_is_seen_differently_is_said(folders: list[Path]) -> None:
    own, outside = (read_results(folder) for folder in folders)
    every = {"observation": "pixels", "cameras": None, "renderer": "auto"}
    one = {**every, "cameras": ["main"], "renderer": "rays", "beside": "state"}
    seeing = [
        dataclasses.replace(
            each, run=dataclasses.replace(each.run, config=config, sights={TASK: sight})
        )
        for each, config, sight in (
            (own, OF_RUN | every, "rays main side ab12"),
            (outside, OF_OUTSIDE | one, "rays main cd34"),
        )
    ]
    (pair,) = outside_pairs([own, seeing[1]])
    assert pair.differences[0].endswith("8), observation pixels (there state)")
    (pair,) = outside_pairs(seeing)
    said = "beside state (there agent), cameras main (there main side), exec_horizon 4 (there 8)"
    assert pair.differences[0].endswith(f" in {said}")


def test_pictures_that_are_described_otherwise_are_compared_all_the_same(
    folders: list[Path],
) -> None:
    own, outside = (read_results(folder) for folder in folders)
    config = {**OF_OUTSIDE, "observation": "pixels", "renderer": "rays"}
    for sight in ("", "rays"):
        facts = dataclasses.replace(outside.run, config=config, sights={TASK: sight})
        (pair,) = outside_pairs([own, dataclasses.replace(outside, run=facts)])
        assert "observation pixels (there state)" in pair.differences[0]


@pytest.mark.parametrize("names", [[], [TASK, "Other"], ["Other"]])
def test_a_policy_from_outside_has_one_task(folders: list[Path], names: list[str]) -> None:
    path = folders[1] / RUN_FILE
    values = json.loads(path.read_text())
    for name in ("schema", SEAL):  # of an earlier fmbench, and changed by hand
        values.pop(name, None)
    path.write_text(json.dumps(values | {"task_hashes": dict.fromkeys(names, "ab" * 32)}))
    message = r"run\.json: a policy from outside has one task; config has \['Task'\], task_hashes"
    with pytest.raises(FmbenchError, match=message):
        read_results(folders[1])


def test_other_versions_of_a_task_are_not_compared(folders: list[Path]) -> None:
    own, outside = (read_results(folder) for folder in folders)
    facts = dataclasses.replace(own.run, task_hashes={TASK: "cd" * 32})
    assert outside_pairs([dataclasses.replace(own, run=facts), outside]) == []
    unfinished = dataclasses.replace(own, unfinished="unfinished: 1 of 2 cells")
    assert outside_pairs([unfinished, outside]) == []


def test_two_policies_from_outside_are_compared_once(folders: list[Path], tmp_path: Path) -> None:
    third = {**OF_OUTSIDE, "policy": ["third"]}
    folders.append(write_run(tmp_path / "b", {"third": 3}, third, outside={"library": "third"}))
    pairs = outside_pairs([read_results(folder) for folder in folders])
    found = [(row.policy_a, row.policy_b) for p in pairs for row in p.table.itertuples()]
    own = [(a, b) for b in ("else", "third") for a in ("flow", "bc")]
    assert sorted(found) == sorted([*own, ("else", "third")])


def test_a_matrix_holds_them(folders: list[Path], tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "matrix"
    out.mkdir()
    draw_matrix(folders, out, said.append)
    assert any("exec_horizon 4 (there 8)" in line for line in said)
    text = (out / "matrix.md").read_text()
    assert "- Elsewhere on Task against the policies with mlp: 2 pairs: a policy ahead in 1" in text
    assert "which of a LeRobot training's these are is not known here" in text
    assert "which of its weights these are" not in text
    assert "### Comparisons" in text
    assert "**Differs:** Elsewhere differs from the policies of the other run" in text
    rows = read_rows(out / PairRow.file_name, PairRow)
    assert [row.policy_b for row in rows if row.samplers == OUTSIDE] == ["else", "else"]


def test_other_tables_refuse_them(folders: list[Path]) -> None:
    with pytest.raises(FmbenchError, match=r"outside is a policy from outside; python -m fmbench"):
        read_alike(folders, CURVE, "demos", "number of demonstrations")


def test_test_episodes_must_be_the_same(folders: list[Path], tmp_path: Path) -> None:
    other = {**OF_OUTSIDE, "episodes": EPISODES + 1}
    folders[1] = write_run(tmp_path / "more", {"else": 9}, other, outside={"library": "other"})
    with pytest.raises(FmbenchError, match=r"episodes is 21 .*need the same test episodes"):
        read_alike(folders, MATRIX, "backbone", "backbone", takes_outside=True)


def test_the_page_draws_them_beside_each_run(folders: list[Path], tmp_path: Path) -> None:
    named = [(folder.name, read_results(folder)) for folder in folders]
    for order in (named, named[::-1]):
        (part,) = matrix_parts(order)
        assert [row.policy for row in part.rows] == ["flow", "bc", "else"]
        assert part.looks.label("else") == "Elsewhere"
        assert len(set(part.colours.values())) == 3
        assert "Trained by other libraries: Elsewhere" in part.note
    (alone,) = matrix_parts(named[1:])
    assert [row.policy for row in alone.rows] == ["else"]
    third = {**OF_OUTSIDE, "policy": ["third"], "exec_horizon": 1}
    third_run = write_run(tmp_path / "third", {"third": 3}, third, outside={"library": "third"})
    (both,) = matrix_parts([named[1], ("third", read_results(third_run))])
    assert [row.policy for row in both.rows] == ["else", "third"]
    assert "Trained by other libraries: Elsewhere, third;" in both.note
    more = {**OF_OUTSIDE, "episodes": EPISODES + 1}
    other = write_run(tmp_path / "more", {"else": 9}, more, outside={"library": "other"})
    assert len(matrix_parts([named[0], ("more", read_results(other))])) == 2


def test_latencies_are_drawn_beside_those_of_the_same_machine(
    folders: list[Path], tmp_path: Path
) -> None:
    own, outside = ((folder.name, read_results(folder)) for folder in folders)
    other_network = {**OF_RUN, "policy": ["flow"], "backbone": "unet"}
    unet = write_run(
        tmp_path / "unet", {"flow": 12}, other_network, policies=record_looks(["flow"])
    )
    runs = [outside, own, ("unet", read_results(unet))]
    chart = latency_chart(runs)
    assert chart is not None
    (panel,) = chart.panels
    named = [series.name for series in panel.series]
    points = ["flow, mlp", "flow, unet", "bc, mlp", "Elsewhere, other"]
    assert [name for name in named if ", " in name] == points
    assert "Trained by other libraries: Elsewhere" in panel.note
    front = panel.series[named.index(FRONT_NAME)]
    assert (front.x, front.y) == ((2.0,), (0.9,))  # flow's 18 of 20, the first and fastest
    assert front.look[1] not in REFERENCE_DASHES.values()  # nobody takes it for the expert
    machine = dataclasses.replace(outside[1].run, machine={"processor": "another"})
    elsewhere = (outside[0], dataclasses.replace(outside[1], run=machine))
    apart = latency_chart([own, elsewhere])
    assert apart is not None
    assert [panel.note.rpartition("Measured on ")[2] for panel in apart.panels] == [
        "an unknown machine.",
        "another.",
    ]


def test_the_page_says_how_they_stand(folders: list[Path]) -> None:
    runs = [NamedRun(folder.name, folder, read_results(folder)) for folder in folders]
    (row,) = [row for row in board_rows(runs, {}, pairs_of_page(runs)) if row.policy == "Elsewhere"]
    assert row.verdict == "behind"  # against flow, the best of the run
    assert row.evidence.startswith("flow ahead of Elsewhere")
    (note,) = outside_notes(runs, pairs_of_page(runs))
    assert "against the policies of own, Holm-adjusted over these: flow ahead of Elsewhere" in note
    assert "exec_horizon 4 (there 8)" in note
