"""Executions: how successive chunks of a policy are joined, as plain data."""

from policies.catalogue.objectives import POLICIES

HOLD = "hold"
EXECUTIONS: dict[str, str] = {
    HOLD: "a chunk takes over as it is",
    "rtc": "a chunk is sampled as a continuation of the previous one (real-time chunking)",
    "rtc_identity": "the same without the network's Jacobian, which needs no backward pass",
    "rtc_train": "the policy has learnt to continue the previous chunk; needs --train-delay",
    "ensemble": "chunks are averaged where they overlap (ACT's temporal ensembling)",
    "bid": "of 16 sampled chunks the one closest to the previous chunk takes over",
}
"""Name to what it does, in the order of tables."""
GUIDED = ("rtc", "rtc_identity")
"""Executions that guide a sampler."""
TRAINED = "rtc_train"
"""The execution that a policy must be trained for."""
BRIDGED = (*GUIDED, TRAINED)
"""Executions that need a delay that the previous chunk bridges."""
MEASURED = "measured"
"""The delay that follows from the latency of decisions."""


def cannot_execute(execution: str, policy: str) -> str:
    """Return why a policy cannot act with an execution; "" if it can.

    Args:
        execution: A key of `EXECUTIONS`.
        policy: A key of `POLICIES`; another policy only holds.
    """
    if execution == HOLD:
        return ""
    entry = POLICIES[policy]
    if execution == "bid" and not entry.draws:
        return "its chunks do not depend on noise, so that all samples are the same"
    if execution == TRAINED and not entry.trains:
        return "it trains no network"
    if execution in GUIDED and not entry.denoises:
        able = ", ".join(name for name, other in POLICIES.items() if other.denoises)
        return f"its samples cannot be guided; those of {able} can"
    return ""
