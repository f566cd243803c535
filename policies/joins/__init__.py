"""Joins: how a chunk follows the chunk before it; names are in `policies.catalogue.EXECUTIONS`."""

from collections.abc import Callable

from policies.catalogue import EXECUTIONS
from policies.joins.base import Join as Join
from policies.joins.base import JoinSetting as JoinSetting
from policies.joins.bid import NearestOfSeveral
from policies.joins.ensemble import TemporalEnsemble
from policies.joins.hold import Hold
from policies.joins.rtc import RealTimeChunking, identity_jacobian
from policies.joins.trained import TrainedContinuation
from policies.registry import lookup

_JOINS: dict[str, Callable[[JoinSetting], Join]] = {
    "hold": Hold,
    "rtc": RealTimeChunking,
    "rtc_identity": identity_jacobian,
    "rtc_train": TrainedContinuation,
    "ensemble": TemporalEnsemble,
    "bid": NearestOfSeveral,
}


def make_join(execution: str, setting: JoinSetting) -> Join:
    """Build the join called `execution`.

    Raises:
        ValueError: The name is unknown, or the policy cannot act so.
    """
    lookup("execution", execution, EXECUTIONS)
    return _JOINS[execution](setting)
