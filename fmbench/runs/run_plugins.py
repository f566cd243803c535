"""What of a run comes from a user's files: recorded, found missing, compared with the present."""

import dataclasses
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fmbench.cli.folders import default_run_folder
from fmbench.cli.plugin_files import FLAG, TABLES
from fmbench.cli.user_code import shown_path
from fmbench.config import PRESETS, RunConfig
from fmbench.errors import FmbenchError
from fmbench.storage.run_facts import RUN_FILE, Plugin, RunFacts, read_run_facts
from policies.catalogue import POLICIES
from policies.registry import NAME

HASH_DIGITS = 8
"""Digits of a file's hash in messages."""
OF_EVERY_POLICY = ("backbone", "encoder")
"""Kinds of which a run has one name at most, which all of its policies use."""


class Used(NamedTuple):
    """A name that a configuration uses; `kind` is one of `TABLES`."""

    kind: str
    name: str

    @property
    def is_registered(self) -> bool:
        """Whether this process knows it."""
        return self.name in TABLES[self.kind]


def used_names(config: Mapping[str, Any]) -> list[Used]:
    """Return the names in the JSON values of a configuration, teachers included."""
    names = [Used("task", name) for name in _several(config.get("task"))]
    policies = _several(config.get("policy"))
    entries = [POLICIES[name] for name in policies if name in POLICIES]
    teachers = [entry.teacher for entry in entries if entry.teacher]
    names += [Used("policy", name) for name in dict.fromkeys([*policies, *teachers])]
    axes = [text.partition("=")[0] for text in _several(config.get("perturb"))]
    names += [Used("axis", name) for name in dict.fromkeys(axes)]
    single = [(kind, config.get(kind)) for kind in OF_EVERY_POLICY]
    return names + [Used(kind, name) for kind, name in single if isinstance(name, str)]


def used_plugins(config: Mapping[str, Any]) -> tuple[Plugin, ...]:
    """Return what of the names of a configuration, as JSON, a user's files have registered."""
    plugins = []
    for used in used_names(config):
        if used.is_registered and (files := TABLES[used.kind][used.name].files):
            (file, sha256), *others = ((shown_path(path), sha) for path, sha in files.items())
            plugins.append(Plugin(*used, file, sha256, dict(others)))
    return tuple(plugins)


def describe_missing(missing: Iterable[Used], facts: RunFacts) -> tuple[str, str]:
    """Describe names that are not registered and that the run remembers.

    Returns:
        "the policy l1 of my_policy.py and ...", and the flags that load their files.
    """
    files = {(plugin.kind, plugin.name): plugin.file for plugin in facts.plugins}
    names = [f"the {used.kind} {used.name} of {files[used]}" for used in missing]
    flags = dict.fromkeys(f"{FLAG} {shlex.quote(files[used])}" for used in missing)
    return " and ".join(names), " ".join(flags)


def missing_error(folder: Path, missing: Sequence[Used], facts: RunFacts) -> FmbenchError:
    """Build the error for a run that needs files that are not loaded."""
    names, flags = describe_missing(missing, facts)
    verb = "is" if len(missing) == 1 else "are"
    return FmbenchError(f"{folder} uses {names}, which {verb} not loaded; add {flags}")


def loadable_part(folder: Path, facts: RunFacts) -> tuple[dict[str, Any], str]:
    """Return the part of a run's configuration that this process can load.

    Only names that the run remembers as a user's are left out, so that others are still rejected.

    Args:
        folder: The run's folder, for messages.
        facts: The facts in its `run.json`.

    Returns:
        The configuration as JSON, and one line about the tasks and policies that are left out.

    Raises:
        FmbenchError: Nothing is left, or what every policy uses is left out.
    """
    remembered = {Used(plugin.kind, plugin.name) for plugin in facts.plugins}
    used = [each for each in used_names(facts.config) if each in remembered]
    missing = [each for each in used if not each.is_registered]
    if not missing:
        return dict(facts.config), ""
    values = dict(facts.config)
    for kind in ("task", "policy"):
        values[kind] = [n for n in _several(values.get(kind)) if Used(kind, n) not in missing]
    if settings := _several(values.pop("perturb", None)):
        known = [x for x in settings if Used("axis", x.partition("=")[0]) not in missing]
        values |= {"perturb": known} if known else {}
    is_shared = any(each.kind in OF_EVERY_POLICY for each in missing)
    if not values["task"] or not values["policy"] or is_shared:
        raise missing_error(folder, missing, facts)
    names, flags = describe_missing(missing, facts)
    them = "it" if len(missing) == 1 else "them"
    return values, f"skipped {names}; to include {them}, add {flags}"


def plugin_differences(there: Iterable[Plugin], config: Mapping[str, Any]) -> list[str]:
    """Return one line per user's file that a run remembers and that differs now.

    A file that has moved does not differ. Names that this process does not know are left out.

    Args:
        there: What the run remembers.
        config: The configuration whose names are compared, as JSON.
    """
    now = {Used(plugin.kind, plugin.name): plugin for plugin in used_plugins(config)}
    names = [used for used in used_names(config) if used.is_registered]
    lines = []
    for old in there:
        if (used := Used(old.kind, old.name)) in names:
            new = now.get(used, Plugin(*used, "no file", ""))
            if sorted(old.hashes.values()) != sorted(new.hashes.values()):
                before = old.hashes
                after = {old.file: new.sha256, **new.others}
                for file in dict.fromkeys([*before, *after]):
                    was, is_now = (_short(hashes.get(file)) for hashes in (before, after))
                    if was != is_now:
                        lines.append(f"{file}: sha256 {was} there, {is_now} now")
    return list(dict.fromkeys(lines))


def check_plugins(folder: Path, facts: RunFacts, config: Mapping[str, Any], instead: str) -> None:
    """Reject a run if a user's file has changed since.

    Args:
        folder: The run's folder.
        facts: The facts in its `run.json`.
        config: The configuration whose names are compared, as JSON.
        instead: What else the user can do, for the message.

    Raises:
        FmbenchError: One has changed; the message has both hashes.
    """
    if lines := plugin_differences(facts.plugins, config):
        raise FmbenchError(
            f"{folder} was made with other code ({'; '.join(lines)}); give {FLAG} the file that "
            f"it was made with, or {instead}"
        )


def explain_unknown(values: Mapping[str, Any], out: Path | None) -> None:
    """Explain names that this process does not know, if a run to be opened remembers their files.

    Args:
        values: Values of the command line, by field of the configuration, unchecked.
        out: The run to resume; None for the default folder of these values.

    Raises:
        FmbenchError: It does; the message has the files and their flags.
    """
    unknown = [used for used in used_names(values) if not used.is_registered]
    if not unknown:
        return
    if out is None and all(NAME.fullmatch(used.name) for used in unknown):
        preset = PRESETS.get(values.get("preset", RunConfig.preset), {})
        out = default_run_folder(dataclasses.replace(RunConfig(), **{**preset, **values}))
    for folder in (out, values.get("from_run")):
        if folder and (Path(folder) / RUN_FILE).is_file():
            facts = read_run_facts(Path(folder))
            remembered = {Used(plugin.kind, plugin.name) for plugin in facts.plugins}
            if missing := [used for used in unknown if used in remembered]:
                raise missing_error(Path(folder), missing, facts)


def files_of_task(task: str) -> list[str]:
    """Return the user's files that define a task, by absolute path."""
    return list(TABLES["task"][task].files)


def files_of_encoder(config: RunConfig) -> list[str]:
    """Return the user's files that define the encoder of pictures of a run."""
    return list(TABLES["encoder"][config.encoder].files) if config.encoder else []


def files_of_policy(config: RunConfig, task: str, policy: str) -> list[str]:
    """Return the user's files that take part in training a policy on a task."""
    shared = {kind: getattr(config, kind) for kind in OF_EVERY_POLICY}
    values = {"task": [task], "policy": [policy], **shared}
    return [file for used in used_names(values) for file in TABLES[used.kind][used.name].files]


def _several(value: object) -> list[str]:
    """Return the texts of a list, none if it is something else."""
    values = value if isinstance(value, (list, tuple)) else ()
    return [name for name in values if isinstance(name, str)]


def _short(sha256: str | None) -> str:
    return sha256[:HASH_DIGITS] if sha256 else "of no file"
