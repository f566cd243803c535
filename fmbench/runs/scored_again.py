"""The work of `python -m fmbench.evaluate`: choose samplers and ways to act, score, and show."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.folders import check_out, default_rescoring_folder
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import RunConfig, check_acting
from fmbench.errors import FmbenchError
from fmbench.evaluation.acting import plan_acting
from fmbench.evaluation.plan import plan_run
from fmbench.runs.finish import show_run
from fmbench.runs.rescoring import Rescoring
from fmbench.runs.sampler_choice import SamplerChoice, SamplerRequest, choose_sampler
from fmbench.runs.saved_run import SavedRun, open_saved_run
from policies.catalogue import MEASURED


def run_rescoring(
    folder: Path,
    request: SamplerRequest | None,
    changes: Mapping[str, Any],
    out: Path | None,
    session: Session,
    command: str,
    accept_changes: bool,
) -> None:
    """Score a run again in the process of a command, and print the table.

    Args:
        folder: The folder of the finished run.
        request: The requested sampler; None for those of the run.
        changes: Values that replace the run's: `episodes`, `device`, `encoder_weights`, and those
            of how policies act.
        out: The new folder; None for one next to the run.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue a re-scoring that other code has started.
    """
    run = open_saved_run(folder)
    named = {name: value for name, value in changes.items() if name != "encoder_weights"}
    config = dataclasses.replace(run.config, **changes)
    if MEASURED not in config.delay and "latency_ms" not in changes:  # the run's has no use here
        changes = {**changes, "latency_ms": None}
        config = dataclasses.replace(config, latency_ms=None)
    check_acting(config)
    try:
        choice = _choice(run, config, request)
    except FmbenchError as error:
        raise (FmbenchError(f"{error}; {run.skipped}") if run.skipped else error) from None
    configure_torch(config.device)
    out = out or default_rescoring_folder(folder, choice.sampler, choice.nfe, named)
    check_out(out)
    stated = {"sampler": choice.sampler, "nfe": sorted(choice.nfe)}
    Rescoring(
        *(run, choice.plan, stated, changes, out, session, command, accept_changes),
        copies_plain=request is None,
    ).run()
    show_run(out)


def _choice(run: SavedRun, config: RunConfig, request: SamplerRequest | None) -> SamplerChoice:
    """Return the samplers to evaluate, and how their policies act."""
    if request is not None:
        choice = choose_sampler(request, config.policy, str(run.folder))
    else:
        plan = plan_run(config)
        choice = SamplerChoice("", (), dataclasses.replace(plan, skipped=()))
    acting, impossible = plan_acting(config)
    if impossible and not any(acting[policy] for policy in choice.plan.steps):
        raise FmbenchError("; ".join(impossible))
    plan = dataclasses.replace(
        choice.plan, acting=acting, skipped=(*choice.plan.skipped, *impossible)
    )
    return choice._replace(plan=plan)
