"""The model card of an exported policy: Markdown with the head that the Hugging Face Hub reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmbench.portable.facts import PolicyFacts
from fmbench.report.counted import counted, spanned
from fmbench.report.markup import escape, markdown_table

TAGS = ("robotics", "dexterous-manipulation", "imitation-learning", "gymnasium", "mujoco")
SMOKE = "smoke"
WARNING = "> **A smoke run trained this policy. It tests the software; it is no result.**"
LIMITS = """\
- Simulation only: it was never run on a robot.
- It expects the observations and the control period above, in these units and in this order, and
  returns position targets; other hands, tasks and rates are outside of what was tested.
- The interval is that of this one checkpoint on one list of starts. Another training seed of the
  same method may do better or worse: compare methods over several seeds.
- What its demonstrations never show was not learnt."""


def card_file(file: Path) -> Path:
    """Return where the card of a single file is written."""
    return file.with_name(f"{file.name}.md")


def card(facts: PolicyFacts, use: str) -> str:
    """Return the card.

    Args:
        facts: The policy's facts.
        use: How the files beside the card are used, in Markdown.
    """
    blocks = [
        _head(facts),
        f"# {facts.name}",
        *([WARNING] if facts.training.preset == SMOKE else []),
        f"`{facts.training.policy}` with the network `{facts.training.backbone}`, trained on "
        f"`{facts.task.id}`: {escape(facts.task.description)}",
        f"## Success\n\n{success_text(facts)}",
        f"## Use\n\n{use}",
        f"## Inputs and output\n\n{io_table(facts)}",
        f"## Observation\n\n{_fields(facts)}",
        f"## Actions\n\n{_actions(facts)}",
        f"## Training\n\n{_training(facts)}",
        f"## Limits\n\n{LIMITS}",
    ]
    return "\n\n".join(blocks) + "\n"


def success_text(facts: PolicyFacts) -> str:
    """Return the policy's success in words, with counts and interval."""
    success = facts.success
    if success is None:
        return f"Not known: the run did not evaluate this sampler ({facts.sampler})."
    last = success.first_seed + success.episodes - 1
    seeds = spanned(success.first_seed, last, "Episode seed")
    episodes = counted(success.episodes, "test episode")
    return (
        f"**{success.rate:.1%}**: {success.successes} of {episodes}, 95 % "
        f"interval (Wilson) {success.low:.1%} to {success.high:.1%}. Sampler: {facts.sampler}. "
        f"{seeds}, on which nothing was trained or chosen; "
        "an episode succeeds when the task's own criterion holds."
    )


def io_table(facts: PolicyFacts) -> str:
    """Return the table of inputs and output; B is any number of rows."""
    use = facts.use
    window = (use.obs_horizon, use.obs_dim)
    rows = [
        ("`observations`", "input: the last observations, the current one last", _shape(window)),
        ("`actions`", _executed(facts), _shape((use.pred_horizon, use.act_dim))),
    ]
    if use.noise:
        text = "input: standard normal numbers, new ones for every decision"
        rows.insert(1, ("`noise`", text, _shape(use.noise)))
    return markdown_table(("name", "content", "shape, float32"), rows, escaped=True)


def _executed(facts: PolicyFacts) -> str:
    use = facts.use
    return (
        f"output, within [-1, 1]: execute the first {use.exec_horizon}, one every "
        f"{facts.task.control_period_s:g} s, then decide again"
    )


def _shape(shape: Sequence[int]) -> str:
    return f"(B, {', '.join(map(str, shape))})"


def _head(facts: PolicyFacts) -> str:
    """Return the YAML head; JSON values are YAML."""
    training = facts.training
    head: dict[str, Any] = {
        "library_name": "fmbench",
        "license": "mit",
        "pipeline_tag": "robotics",
        "tags": [*TAGS, f"fmbench-{training.policy}"],
    }
    if facts.success is not None:
        text = f"success rate in {counted(facts.success.episodes, 'test episode')}"
        metric = {"type": "success_rate", "name": text, "value": round(facts.success.rate, 4)}
        result = {
            "task": {"type": "robotics", "name": facts.task.name},
            "dataset": {"type": facts.task.id, "name": facts.task.id},
            "metrics": [metric],
        }
        head["model-index"] = [{"name": facts.name, "results": [result]}]
    lines = [f"{name}: {json.dumps(value)}" for name, value in head.items()]
    return "\n".join(("---", *lines, "---"))


def _fields(facts: PolicyFacts) -> str:
    rows = [
        (f["name"], f["meaning"], str(f["size"]), f"±{f['limit']:g}", f["unit"])
        for f in facts.task.fields
    ]
    table = markdown_table(("field", "content", "numbers", "limit", "unit"), rows)
    return f"{facts.use.obs_dim} numbers, in this order:\n\n{table}"


def _actions(facts: PolicyFacts) -> str:
    rows = [(a["name"], f"{a['low']:.4g}", f"{a['high']:.4g}") for a in facts.task.actions]
    table = markdown_table(("action", "target of -1", "target of 1"), rows)
    text = "Absolute position targets of the joints [rad or m], linear between -1 and 1:"
    return f"{text}\n\n{table}"


def _training(facts: PolicyFacts) -> str:
    training = facts.training
    rows = [
        ("task", f"`{facts.task.id}`, hash `{facts.task.hash}`"),
        (
            "demonstrations",
            f"{training.demonstrations} of {training.by}, hash `{training.demonstrations_hash}`",
        ),
        ("network", f"{training.backbone}, {training.parameters:,} parameters"),
        ("predicts", training.prediction),
        ("updates", _updates(facts)),
        ("training seed", str(training.train_seed)),
        ("weights", f"average of the last updates, hash `{training.weights_hash}`"),
        ("configuration", f"hash `{training.config_hash}`, preset {training.preset}"),
        ("code", f"fmbench {facts.fmbench}, commit {training.commit}, {training.versions}"),
    ]
    return markdown_table(("of the training", "value"), rows, escaped=True)


def _updates(facts: PolicyFacts) -> str:
    training = facts.training
    teacher = f", after {training.teacher_updates:,} of its teacher"
    return (
        f"{training.updates:,} with {training.batch_size} windows each"
        f"{teacher if training.teacher_updates else ''}"
    )
