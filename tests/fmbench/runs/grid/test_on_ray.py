"""Jobs on a real Ray cluster of two nodes, one of which is killed; nodes with other code."""

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.exit_code import ExitCode
from fmbench.runs.grid.on_ray import RayJobs, do_on_node
from fmbench.runs.grid.processes import Order, Outcome
from fmbench.storage.critical import Interrupted
from fmbench.storage.stamps import present_stamp
from tests.fmbench.runs.grid.small_grid import (
    TEXT,
    do_grid,
    in_this_process,
    rejected,
    rows_of,
    small_grid,
)
from tests.fmbench.small_run import ROOT

ray = pytest.importorskip("ray")
SLOW = TEXT.replace("updates = 6\n", "updates = 3000\n").replace("[6, 8]", "[6, 3000]")


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Find all starts, as the nodes do, which are other processes."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Start a cluster of a head that does no jobs, and of two nodes for one job each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 10**8}
        started = Cluster(initialize_head=True, head_node_args=head)
        try:
            yield started
        finally:
            ray.shutdown()
            started.shutdown()


@pytest.mark.thorough
def test_a_lost_node_loses_no_job_and_the_rows_are_those_of_one_machine(
    cluster: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(2)]
    grid = small_grid(tmp_path, SLOW)
    killed = threading.Event()

    def kill() -> None:
        while ray.is_initialized() is False or ray.available_resources().get("CPU", 0) > 0:
            time.sleep(0.1)
        time.sleep(3.0)
        cluster.remove_node(nodes[0], allow_graceful=False)
        killed.set()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    text = do_grid(grid, tmp_path / "out", data.resolve(), address=cluster.address, slots=({}, {}))
    thread.join(60)
    assert killed.is_set()
    assert "0 of 6 jobs are done" in text
    assert len(list((tmp_path / "out" / "jobs").glob("*/checkpoints"))) == 4
    in_this_process(monkeypatch)
    do_grid(grid, tmp_path / "plain", data)
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "plain")


def test_a_stop_cancels_what_runs(cluster: Any, data: Path, tmp_path: Path) -> None:
    cluster.add_node(num_cpus=1, object_store_memory=10**8)
    interrupts = Interrupts()
    jobs = RayJobs(cluster.address, 1, False, (), interrupts)
    interrupts.requested = True
    outcomes: list[Outcome] = []
    with pytest.raises(Interrupted):
        jobs.run([Order("job", {"out": str(tmp_path / "job")})], outcomes.append)
    assert outcomes == []
    assert not ray.is_initialized()


def test_a_node_with_other_code_refuses(tmp_path: Path) -> None:
    stamp = dataclasses.asdict(present_stamp())
    code, text, files = do_on_node({}, {**stamp, "code_hash": "0" * 16}, ())
    assert code == ExitCode.BAD_INPUT
    assert f"has other code: code_hash: {'0' * 16} there, {stamp['code_hash']} now" in text
    assert files == {}


def test_an_address_without_a_cluster_is_one_line() -> None:
    message = rejected(lambda: RayJobs("nowhere:x", 1, False, (), Interrupts()))
    assert message.startswith("--address is nowhere:x; give local or that of a Ray cluster: ")
