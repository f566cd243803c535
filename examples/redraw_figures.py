"""Draw a figure of your own from the rows of a run: success against the time of a decision.

    python examples/redraw_figures.py results/reference --out runs/success_vs_latency.png

reads the run with pandas, prints the rows it draws and writes the figure. It needs neither a GPU
nor a simulator nor torch. `python -m fmbench.figures RUN` redraws the figures that every run has.

`read_results` verifies the files and returns `pandas.DataFrame`s: `episodes` has one row for each
test episode, `summary` one for each task, policy and sampler. Each column is documented at its row
type, in `fmbench.storage.rows` and `fmbench.report.summary`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug
from fmbench.cli.parser import Parser
from fmbench.errors import FmbenchError
from fmbench.report.results import Results, read_results
from fmbench.report.statistics import wilson_interval

CELL = ["task", "policy", "sampler", "steps"]


def rates(results: Results) -> pd.DataFrame:
    """Return the success rate of each cell of a run with its Wilson 95 % interval and its latency.

    Raises:
        FmbenchError: The run has several training seeds, over which episodes must not be pooled,
            or no latency.
    """
    if (results.summary["train_seeds"] > 1).any():
        raise FmbenchError("the run has several training seeds; give a run with one")
    measured = results.summary.dropna(subset=["latency_ms_p50"])
    if measured.empty:
        raise FmbenchError("the run has no latency; give a run made without --no-latency")
    counts = results.episodes.groupby(CELL)["success"].agg(successes="sum", episodes="count")
    rows = measured[[*CELL, "latency_ms_p50"]].merge(counts.reset_index(), on=CELL)
    pairs = zip(rows["successes"], rows["episodes"], strict=True)
    intervals = [wilson_interval(int(successes), int(n)) for successes, n in pairs]
    return rows.assign(
        rate=rows["successes"] / rows["episodes"],
        low=[interval.low for interval in intervals],
        high=[interval.high for interval in intervals],
    )


def draw(results: Results, rows: pd.DataFrame) -> Figure:
    """Draw one panel for each task, one colour for each policy."""
    tasks, policies = list(rows["task"].unique()), list(rows["policy"].unique())
    colours = results.looks.colours(policies)
    figure = Figure(figsize=(2.4 * len(tasks) + 1, 3.2), layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for panel, task in zip(panels, tasks, strict=True):
        for policy in policies:
            points = rows[(rows["task"] == task) & (rows["policy"] == policy)]
            points = points.sort_values("latency_ms_p50")
            panel.errorbar(
                points["latency_ms_p50"],
                points["rate"],
                yerr=[(points["rate"] - points["low"]).clip(0), points["high"] - points["rate"]],
                fmt="o",
                color=colours[policy],
                label=results.looks.label(policy),
            )
        panel.set(title=task, xscale="log", ylim=(-0.03, 1.05), xlabel="decision [ms]")
    if results.is_smoke:
        figure.suptitle("smoke run, no result", color="red")
    panels[0].set_ylabel("success rate, Wilson 95 %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser("python examples/redraw_figures.py", "Draw success against latency.")
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run, for its rows")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="png, svg or pdf")
    add_debug(parser)
    given = parser.parse_args(arguments)
    return run_command_line(lambda: run(given), given.debug)


def run(given: argparse.Namespace) -> int:
    """Read the rows, print them and draw them."""
    results = read_results(given.run)
    rows = rates(results)
    print(rows.round(3).to_string(index=False))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    draw(results, rows).savefig(given.out, dpi=150)
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
