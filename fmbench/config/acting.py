"""Validation of how policies act: delays and executions of a run."""

from fmbench.config.run_config import RunConfig
from fmbench.errors import FmbenchError
from policies.catalogue import EXECUTIONS, MEASURED, TRAINED, cannot_execute


def check_acting(config: RunConfig) -> None:
    """Check the delays of a run against its horizons.

    Raises:
        FmbenchError: A delay is no whole number in its range, or `latency_ms` has no use.
    """
    most = config.largest_delay
    texts = [str(number) for number in range(most + 1)]
    for given in config.delay:
        if given != MEASURED and given not in texts:
            reach = (
                "no more actions are predicted than executed"
                if not most
                else (
                    f"a chunk of {config.pred_horizon} actions, of which {config.exec_horizon} are "
                    "executed, bridges no longer one"
                )
            )
            raise FmbenchError(
                f"--delay is {given}; give whole numbers from 0 to {most} control steps ({reach}), "
                f"or {MEASURED}"
            )
    if config.train_delay > most:
        raise FmbenchError(
            f"--train-delay is {config.train_delay}; give a whole number from 0 to {most}, the "
            "largest delay"
        )
    largest = max((int(text) for text in config.delay if text != MEASURED), default=0)
    if TRAINED in config.execution and config.train_delay < (least := max(1, largest)):
        if not most:
            raise FmbenchError(
                f"--execution {TRAINED} continues the previous chunk, of which nothing is left: no "
                "more actions are predicted than executed; give a larger --pred-horizon"
            )
        raise FmbenchError(
            f"--execution {TRAINED} needs policies that have learnt to continue {least} "
            f"action{'s' if least > 1 else ''}, --train-delay is {config.train_delay}; train some "
            f"in a new run with --train-delay {least}{f' to {most}' if most > least else ''}"
        )
    if config.latency_ms is not None and MEASURED not in config.delay:
        raise FmbenchError(
            f"--latency-ms is {config.latency_ms:g}, but no delay follows from it; add --delay "
            f"{MEASURED}"
        )


def check_executions(config: RunConfig) -> None:
    """Check that some policy of a run can act with each of its executions.

    Raises:
        FmbenchError: No policy can; the message says why, and which executions are possible.
    """
    for execution in config.execution:
        reasons = {policy: cannot_execute(execution, policy) for policy in config.policy}
        if all(reasons.values()):
            policy, reason = next(iter(reasons.items()))
            able = [name for name in EXECUTIONS if not cannot_execute(name, policy)]
            raise FmbenchError(
                f"--execution is {execution}, but {policy} cannot act so: {reason}; it can "
                f"{', '.join(able)}"
            )
