"""Compare with LeRobot and print Markdown tables: `python -m tests.benchmarks.peers`."""

import argparse
import os
import sys
from collections.abc import Callable

import torch

import fmbench
from fmbench.cli.torch_settings import configure_torch
from fmbench.training.state import build_policy
from tests.benchmarks.peers import latency, training
from tests.benchmarks.peers.lerobot_policy import PUBLISHED, describe_unet, match
from tests.benchmarks.peers.problem import BATCH, SIZES, policy_config
from tests.benchmarks.report import Row, describe_machine, markdown, write

PACKAGES = ("torch", "numpy", "lerobot", "diffusers")


def main() -> int:
    """Run the command line; the exit code is 1 if a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--device", choices=SIZES, default="cpu")
    parser.add_argument(
        "--only", nargs="+", metavar="TABLE", help="latency, training, published, precision"
    )
    parser.add_argument("--write", action="store_true", help="write the tables to the README")
    arguments = parser.parse_args()
    benchmarks = _benchmarks(arguments.device)
    chosen = arguments.only or list(benchmarks)
    if unknown := set(chosen) - set(benchmarks):
        parser.error(
            f"--only is {' '.join(sorted(unknown))}; "
            f"known on {arguments.device}: {', '.join(benchmarks)}"
        )
    if arguments.write and arguments.only:
        parser.error("--write replaces all tables of a device; omit --only")
    configure_torch(arguments.device)  # LeRobot's training script allows TF32 too
    load, sections = os.getloadavg()[0], []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        title, measure = benchmarks[name]
        sections.append((title, measure()))
        for row in sections[-1][1]:
            print(*row.cells(), sep=" | ", file=sys.stderr, flush=True)
    text = markdown(sections, _machine(arguments.device, load))
    print(text)
    if arguments.write:
        write(text, f"peers, {arguments.device}")
    return 0 if all(row.is_met for _, rows in sections for row in rows) else 1


def _benchmarks(device: str) -> dict[str, tuple[str, Callable[[], list[Row]]]]:
    size = SIZES[device]
    config = policy_config("unet", size)
    policy = build_policy(config, 0)
    ours = latency.describe_unet(policy)
    down_dims = match(ours.parameters)
    peer = describe_unet(down_dims)
    networks = f"U-Net `{size}`, {ours.text()}; LeRobot's with down_dims {down_dims}, {peer.text()}"
    benchmarks: dict[str, tuple[str, Callable[[], list[Row]]]] = {
        "latency": (
            f"Chunks, batch 1. {networks}",
            lambda: latency.measure(policy.to(device), down_dims, device),
        ),
        "training": (
            f"Complete updates, batch {BATCH}. {networks}",
            lambda: training.measure(config, down_dims, device),
        ),
    }
    if device == "cpu":
        published = describe_unet(PUBLISHED)
        benchmarks["published"] = (
            f"Chunks, batch 1, two torch threads. LeRobot's U-Net in its published size, "
            f"down_dims {PUBLISHED}, {published.text()}",
            latency.measure_published,
        )
        instructions = ", ".join(training.bf16_instructions()) or "none"
        benchmarks["precision"] = (
            f"`--precision bf16`, size `{size}`, batch {BATCH}. "
            f"Bfloat16 instructions of this processor: {instructions}",
            lambda: training.measure_precision(size),
        )
    return benchmarks


def _machine(device: str, load: float) -> str:
    gpu = f"{torch.cuda.get_device_name()}; " if device == "cuda" else ""
    machine = describe_machine(load, PACKAGES, busy=1)
    return f"{gpu}{machine} One torch thread. fmbench {fmbench.__version__}."


if __name__ == "__main__":
    sys.exit(main())
