"""Jobs of a grid as tasks of Ray, on the nodes of a cluster, which send the files back.

Nodes have the same fmbench and packages; one with others refuses its job. A task whose worker or
node is lost runs again, elsewhere. Only loopback is used and no dashboard is started, unless an
existing cluster is given.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.cli.extras import check_extra
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.plugin_files import load_plugins
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.runs.grid.folder import checkpoint_files, place, row_files
from fmbench.runs.grid.processes import ATTEMPTS, POLL_S, Order, Outcome
from fmbench.runs.grid.slots import PER_DEVICE
from fmbench.runs.grid.worker import SilentReporter, do_job
from fmbench.storage.stamps import Stamp, present_stamp

LOCAL = "local"
LOST = 3
"""How often Ray runs a task again whose worker or node was lost."""


class RayJobs:
    """Does jobs as tasks of Ray.

    Args:
        address: `local` for a cluster of this process, or that of an existing one, as `ray.init`
            takes it.
        processes: Jobs at a time in a local cluster.
        on_gpu: Whether jobs use a CUDA device, which some of them share.
        plugins: Command line of the plug-ins, as `--plugin FILE ...`.
        interrupts: Requests to stop.

    Raises:
        FmbenchError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(
        self,
        address: str,
        processes: int,
        on_gpu: bool,
        plugins: Sequence[str],
        interrupts: Interrupts,
    ) -> None:
        check_extra("--engine ray", "ray", "dist")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray, self._plugins, self._interrupts = ray, tuple(plugins), interrupts
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        self._own = not ray.is_initialized()
        if self._own and address == LOCAL:
            ray.init(
                address=LOCAL,
                num_cpus=processes,
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                **quiet,
            )
        elif self._own:
            try:
                ray.init(address=address, **quiet)
            except (ConnectionError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise FmbenchError(
                    f"--address is {address}; give local or that of a Ray cluster: {reason}"
                ) from None
        gpus = 1 / PER_DEVICE if on_gpu else 0
        self._do = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=LOST)(do_on_node)

    def run(
        self,
        orders: Sequence[Order],
        on_end: Callable[[Outcome], None],
        on_note: Callable[[str, str], None] = lambda name, text: None,
        on_wait: Callable[[Mapping[str, float]], None] = lambda running: None,
    ) -> None:
        """Do jobs; see `fmbench.runs.grid.processes.Processes.run`.

        Raises:
            Interrupted: A stop was requested; jobs that were not finished begin again.
        """
        del on_note
        waiting = {self._send(order): (order, 1, time.monotonic()) for order in orders}
        try:
            while waiting:
                self._interrupts.stop_here()
                done, _ = self._ray.wait(list(waiting), num_returns=1, timeout=POLL_S)
                if not done:
                    on_wait({})
                for ref in done:
                    order, attempt, since = waiting.pop(ref)
                    code, text = self._receive(order, ref)
                    on_end(Outcome(order.name, code, text, time.monotonic() - since, attempt))
                    if code != ExitCode.DONE and attempt < ATTEMPTS:
                        waiting[self._send(order)] = (order, attempt + 1, time.monotonic())
        finally:
            for ref in waiting:
                self._ray.cancel(ref, force=True)
            if self._own:
                self._ray.shutdown()

    def _send(self, order: Order) -> Any:
        stamp = dataclasses.asdict(present_stamp())
        return self._do.remote(dict(order.message), stamp, self._plugins)

    def _receive(self, order: Order, ref: Any) -> tuple[int, str]:
        """Write the files of a finished task; return its exit code, and what went wrong."""
        try:
            code, text, files = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            return ExitCode.FAILED, f"{type(error).__name__}: {lines[0] if lines else ''}"
        if code == ExitCode.DONE:
            place(Path(order.message["out"]), files)
        return code, text


def do_on_node(
    message: dict[str, Any], stamp: dict[str, str], plugins: Sequence[str]
) -> tuple[int, str, dict[str, bytes]]:
    """Do one job in a folder of this node.

    Args:
        message: What `fmbench.runs.grid.worker` reads.
        stamp: The code and versions that must be here, too.
        plugins: Command line of the plug-ins.

    Returns:
        Exit code, what went wrong, and the files of rows and checkpoints by path.
    """
    if different := Stamp(**stamp).differences(present_stamp()):
        return ExitCode.BAD_INPUT, f"node {os.uname().nodename} has other code: {different[0]}", {}
    with tempfile.TemporaryDirectory(prefix="fmbench-job-") as folder:
        try:
            load_plugins(plugins)
            import_mujoco()
        except FmbenchError as error:
            return error.exit_code, str(error), {}
        out = Path(folder) / "run"
        session = Session(SilentReporter(), Interrupts())
        code, text = do_job({**message, "out": str(out)}, session)
        if code != ExitCode.DONE:
            return code, text, {}
        names = [*row_files(out), *(checkpoint_files(out) if message["keeps_checkpoints"] else ())]
        return code, text, {name: (out / name).read_bytes() for name in names}
