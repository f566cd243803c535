"""Figure of how agents of a run succeeded while they learnt."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from fmbench.report.figure_parts import legend_above, panel_size, panels, thousands
from fmbench.report.results import Results
from fmbench.report.shown import learned_policies, short_name


def learning_curves(results: Results) -> Figure:
    """Draw success in training over environment steps: a panel per task, a line per seed.

    It is the share of the last episodes, at most 100, exploration included, and no test result.
    """
    rows = results.learning
    tasks = list(dict.fromkeys(rows["task"]))
    policies = sorted(set(rows["policy"]), key=results.looks.order)
    colours = results.looks.colours(learned_policies(results))
    figure = Figure(figsize=panel_size(len(tasks)))
    for axes, task in panels(figure, tasks, share_y=True):
        for (policy, _), run in rows[rows["task"] == task].groupby(["policy", "train_seed"]):
            axes.plot(
                run["environment_steps"],
                run["success"],
                color=colours.get(str(policy)),
                linewidth=1.2,
                marker="o" if len(run) == 1 else "",
            )
        axes.set(title=short_name(task), ylim=(-0.03, 1.05), xlabel="environment steps")
        axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    figure.supylabel("success in training", fontsize=10)
    handles = [Line2D([], [], color=colours.get(p), label=results.looks.label(p)) for p in policies]
    legend_above(figure, handles)
    return figure
