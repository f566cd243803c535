"""Jobs: every training once, teachers with those that learn from them; shards and estimates."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmbench.config import make_config
from fmbench.evaluation.plan import plan_run
from fmbench.runs.grid.command_line import command_of
from fmbench.runs.grid.estimate import JobRow, duration, shard, speed, work
from fmbench.runs.grid.jobs import Job, plan_jobs
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.runs.grid.small_grid import TASKS, small_grid

WORKS = st.dictionaries(st.text("abcdef", min_size=1), st.floats(0.1, 1e4), min_size=1, max_size=30)


def test_a_training_that_several_sections_show_is_done_once(tmp_path: Path) -> None:
    grid = small_grid(tmp_path)
    plan = plan_jobs(grid.runs)
    shown = [(job.config.policy, job.config.updates) for job in plan.jobs]
    policies = [(), ("flow", "reflow"), ("bc",), (), ("flow",), ("bc",)]
    assert shown == list(zip(policies, [6, 6, 6, 8, 8, 8], strict=True))
    main, same, more = grid.runs
    assert plan.jobs_of[main] == plan.jobs_of[same] == plan.jobs[:3]
    assert plan.jobs_of[more] == plan.jobs[3:]
    assert len({job.name for job in plan.jobs}) == 6
    assert plan.of_sections(["main"]).jobs == plan.jobs[:3]
    assert plan.of_sections(["settings"]).jobs == plan.jobs


def test_references_are_played_once_for_all_policies_of_a_setting(tmp_path: Path) -> None:
    grid = small_grid(tmp_path)
    plan = plan_jobs(grid.runs)
    for run, jobs in plan.jobs_of.items():
        assert [job.trains for job in jobs] == [False, True, True]
        assert jobs[0].name.startswith("PressEither-references-")
        assert jobs[0].cells == 2
        together = plan_run(run.config).most_cells(run.config)
        alike = {name for job in jobs for name in job.config.policy} == set(run.config.policy)
        assert (sum(job.cells for job in jobs) == together) == alike


def test_every_policy_is_in_one_job_with_its_teacher_first(tmp_path: Path) -> None:
    names = "', '".join(POLICIES)
    text = f"[common]\ntask = 'PressEither'\n[sections.main]\npolicy = ['{names}']\n"
    plan = plan_jobs(small_grid(tmp_path, text).runs)
    groups = [job.config.policy for job in plan.jobs]
    assert sorted(name for group in groups for name in group) == sorted(POLICIES)
    for group in groups:
        for name in group[1:]:
            assert POLICIES[name].teacher == group[0]


@given(WORKS, st.integers(1, 6))
def test_shards_are_a_partition_of_about_equal_work(works: dict[str, float], count: int) -> None:
    shards = [shard(works, index, count) for index in range(1, count + 1)]
    assert sorted(name for part in shards for name in part) == sorted(works)
    amounts = [sum(works[name] for name in part) for part in shards]
    assert max(amounts) - min(amounts) <= max(works.values()) + 1e-9


@given(WORKS, st.integers(1, 6), st.floats(0.1, 10))
def test_a_duration_lies_between_its_bounds(
    works: dict[str, float], processes: int, factor: float
) -> None:
    amounts = list(works.values())
    found = duration(amounts, processes, factor)
    least = max(max(amounts), sum(amounts) / processes) * factor
    assert least - 1e-6 <= found <= least + max(amounts) * factor


def test_speed_is_that_of_jobs_with_as_many_processes() -> None:
    rows = [JobRow(f"{k}", 2, 10.0, 10.0 * k, k, 1) for k in (1, 2, 3)]
    assert speed(rows, 2) == 2.0
    assert speed(rows, 7) == 2.0
    assert speed(rows[2:], 1) == 3.0
    assert speed([], 1) is None


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_work_grows_with_what_there_is_to_do(tmp_path: Path, device: str) -> None:
    def references(**values: object) -> float:
        return amount(policies=(), **values)

    def amount(policies: tuple[str, ...] | None = None, **values: object) -> float:
        text = "[common]\ntask = 'PressEither'\npolicy = 'flow'\n[sections.main]\n"
        text += "".join(f"{name} = {value!r}\n" for name, value in values.items())
        (run,) = small_grid(tmp_path, text).runs
        config = dataclasses.replace(run.config, device=device)
        return work(Job(config if policies is None else dataclasses.replace(config, policy=())))

    plain = amount()
    assert amount(updates=9000) > plain
    assert amount(episodes=200) > plain
    assert amount(seeds=8) > plain
    few, many = (amount(policy="drift", training_samples=count) for count in (4, 16))
    assert many > few
    assert amount(policy="knn") < plain
    seen = {"observation": "features", "encoder": "random"}
    features, pixels = amount(**seen), amount(observation="pixels")
    assert plain < features < pixels
    assert (amount(**seen, demos=900) > features) == (device == "cpu"), "a GPU sees quickly"
    assert references(**seen, demos=900) == references(), "they see nothing"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_command_of_a_run_is_that_of_its_configuration(backbone: str) -> None:
    from fmbench.cli.flags import add_config_flags, given_config
    from fmbench.cli.parser import Parser

    given = {"task": ("PressEither",), "backbone": backbone, "nfe": (1, 3), "noise": 0.5}
    for preset in ("default", "paper", "smoke"):
        config = make_config(preset, {**given, "policy": ("flow", "bc")}, TASKS)
        words = command_of(config).split()
        assert words[:3] == ["python", "-m", "fmbench.run"]
        assert words[-1] == "--no-latency"
        parser = Parser("run", "")
        add_config_flags(parser)
        assert given_config(parser.parse_args(words[3:-1])) == config
