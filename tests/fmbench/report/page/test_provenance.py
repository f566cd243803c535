"""Provenance: every warning, every hash, and what differs between runs."""

import dataclasses
from pathlib import Path

import pytest

from fmbench.report.page.provenance import provenance, run_line, warnings_of
from fmbench.report.page.run_differences import MAX_SHOWN, run_differences
from fmbench.report.page.runs import NamedRun, read_runs
from fmbench.storage.run_facts import MadeDemonstrations
from tests.fmbench.fake_run import write_run

REAL = Path("results/paper/hands/TurnDial")


@pytest.fixture(scope="module")
def real() -> NamedRun:
    return read_runs([Path(__file__).parents[4] / REAL])[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NamedRun:
    return read_runs([write_run(tmp_path_factory.mktemp("run"), tasks=["LiftCube"], episodes=5)])[0]


def changed(run: NamedRun, name: str, **config: object) -> NamedRun:
    """Return a run with another name and other values of its configuration."""
    facts = dataclasses.replace(run.results.run, config={**run.results.run.config, **config})
    return NamedRun(name, run.folder, dataclasses.replace(run.results, run=facts))


def test_every_hash_version_and_seed_of_a_run_is_shown(real: NamedRun) -> None:
    html, facts = provenance([real]).html, real.results.run
    shown = [facts.commit, facts.command, *facts.sha256.values(), *facts.task_hashes]
    shown += [f"{name}={version}" for name, version in facts.versions.items() if "." in version]
    for column in ("task_hash", "config_hash", "demonstrations_hash", "code_hash"):
        shown += sorted(set(real.results.origins[column]) - {""})
    assert len(shown) > 15
    assert [text for text in shown if text not in html] == []
    assert run_line(real).seeds == "training 0–2; test episodes 3000000–3000099"


def test_failures_of_the_expert_are_shown_where_they_are_known(run: NamedRun) -> None:
    for counts, text in (((5, 1), "LiftCube: 4 stored, 1 of 5 failed"), ((None, None), "4 stored")):
        made = {"LiftCube": MadeDemonstrations(4, *counts, "cd" * 32)}
        facts = dataclasses.replace(run.results.run, demonstrations=made)
        results = dataclasses.replace(run.results, run=facts)
        assert run_line(NamedRun("a", run.folder, results)).details["Expert"].endswith(text)


def test_equal_runs_do_not_differ(run: NamedRun) -> None:
    assert run_differences([run, changed(run, "b")]) == []
    assert run_differences([run]) == run_differences([]) == []


def test_what_differs_is_listed_with_its_runs(run: NamedRun) -> None:
    runs = [changed(run, f"r{i}", demos=i // 2, backbone="unet" if i else "mlp") for i in range(20)]
    found = {each.name: each for each in run_differences(runs)}
    assert set(found) == {"demos", "backbone"}
    assert found["backbone"].values[0] == ("mlp", "r0")
    assert found["backbone"].values[1][1] == "r1, r2, r3, r4, r5, r6 and 13 more"
    assert found["demos"].values[:2] == [("0", "r0, r1"), ("1", "r2, r3")]
    assert (len(found["demos"].values), found["demos"].more) == (MAX_SHOWN, 10 - MAX_SHOWN)


def test_a_task_that_one_run_lacks_is_no_difference(run: NamedRun, tmp_path: Path) -> None:
    (other,) = read_runs([write_run(tmp_path, tasks=["TurnDial"], episodes=5)])
    assert [each.name for each in run_differences([run, other])] == []


def test_every_warning_names_its_runs(run: NamedRun) -> None:
    summary = run.results.summary.assign(complete=False, seeds_disagree=True)
    results = dataclasses.replace(
        run.results,
        summary=summary,
        warnings=("policies differ",),
        caveats=("made with two versions",),
        unfinished="unfinished: 3 of 8 cells",
    )
    found = dict(warnings_of([NamedRun("a", run.folder, results), run]))
    everything = " ".join(found)
    for text in (
        "policies differ",
        "made with two versions",
        "unfinished: 3 of 8 cells",
        f"{len(summary)} of {len(summary)} cells are marked (incomplete)",
        "marked (seeds disagree)",
    ):
        assert text in everything
    assert found["policies differ"] == ["a"]
    assert "policies differ. <span" in provenance([NamedRun("a", run.folder, results)]).html
