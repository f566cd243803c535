"""How a run is done."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """How a run is done; none of it decides a number.

    Attributes:
        command: The command line, for `run.json`.
        times_decisions: Whether to measure the latency of decisions.
        accept_changes: Whether to continue a run that other code or packages have started.
        nfe_is_given: Whether the user gave `nfe`; all its skipped numbers are then reported.
        demos_is_given: Whether the user gave `demos`: that many of given demonstrations are used.
        yes_slow: Whether training may take many hours.
        draws: Whether tables, figures and contact sheets are drawn.
        record: Successes and failures of each policy, and episodes of each pair, to record.
        references: Whether the expert and random actions are played; False if another run with
            the same setting does so.
        tensorboard: Whether curves are written for TensorBoard, in `tensorboard/`.
        live: Whether `report.html` is rewritten as cells finish.
    """

    command: str = ""
    times_decisions: bool = True
    accept_changes: bool = False
    nfe_is_given: bool = False
    demos_is_given: bool = False
    yes_slow: bool = False
    draws: bool = True
    record: int = 0
    references: bool = True
    tensorboard: bool = False
    live: bool = False


AS_USUAL = RunOptions()
"""How a run is done of which nothing is said."""
