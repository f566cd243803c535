"""The folder of a search: it holds one search, which the same command continues."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fmbench.cli.progress import Reporter
from fmbench.errors import FmbenchError
from fmbench.runs.run_folder import check_empty, hold_folder
from fmbench.runs.same_origin import check_code, differences
from fmbench.runs.tuning.space import Range, outside
from fmbench.storage.row_files import read_rows
from fmbench.storage.search import (
    SEARCH_FILE,
    SearchFacts,
    TrialRow,
    by_trial,
    read_search_facts,
    write_search_facts,
)
from fmbench.storage.stamps import with_stamp

INSTEAD = "give another --out"
RESTORE = f"restore the file, or {INSTEAD}"


@contextmanager
def hold_search_folder(out: Path) -> Iterator[None]:
    """Create the folder of a search if it is missing, and lock it.

    Raises:
        FmbenchError: Another process uses it, or it holds other files.
    """
    if out.is_dir() and not os.path.lexists(out / SEARCH_FILE):
        check_empty(out, "search")
    with hold_folder(out, "python -m fmbench.tune"):
        yield


def open_search(
    out: Path,
    new: SearchFacts,
    space: Mapping[str, Range],
    reporter: Reporter,
    accept_changes: bool,
) -> tuple[SearchFacts, list[TrialRow]]:
    """Start a search in its folder, or continue the one that is there.

    Args:
        out: The folder, locked.
        new: The facts of a new search.
        space: The values that it tries.
        reporter: Reports that a search is continued.
        accept_changes: Whether to go on with other code or packages than those of the search.

    Returns:
        The facts in `search.json`, and the rows of the trials that are done.

    Raises:
        FmbenchError: `out` holds another search, one that other code has made, more trials, or
            fewer than when it was finished.
    """
    if not os.path.lexists(out / SEARCH_FILE):
        write_search_facts(out, new)
        return new, []
    facts = read_search_facts(out)
    if mismatches := differences(facts.identity, new.identity):
        raise FmbenchError(f"{out} holds another search ({'; '.join(mismatches)}); {INSTEAD}")
    rows = read_trials(out, facts, space)
    done = len(by_trial(rows))
    if facts.complete and done < facts.trials:
        raise FmbenchError(
            f"{out / TrialRow.file_name} does not hold {facts.trials} trials but {done}, although "
            f"the search was finished; {RESTORE}"
        )
    if done > new.trials:
        raise FmbenchError(
            f"--trials is {new.trials}, but {out} has {done} trials; give --trials {done} to print "
            f"them again, more to go on, or another --out"
        )
    changed = check_code(out, facts, new.made_with[0], accept_changes)
    if changed:
        reporter.say(f"Continuing {out} with other code ({'; '.join(changed)})")
    made_with = tuple(with_stamp(facts.made_with, new.made_with[0])) if changed else facts.made_with
    now = dataclasses.replace(
        facts,
        made_with=made_with,
        plugins=new.plugins,
        trials=new.trials,
        complete=facts.complete and not changed and done == new.trials,
    )
    return write_if_changed(out, facts, now), rows


def state_demonstrations(
    out: Path, facts: SearchFacts, demonstrations: Mapping[str, str], data: str
) -> SearchFacts:
    """State the hashes of the demonstrations, or check those that a search was begun with.

    Args:
        out: The folder.
        facts: Its facts.
        demonstrations: Task to the hash of its demonstrations.
        data: Where they are, as in `SearchFacts`.

    Raises:
        FmbenchError: It was begun with others.
    """
    if facts.demonstrations and facts.demonstrations != demonstrations:
        lines = differences(facts.demonstrations, demonstrations)
        raise FmbenchError(
            f"{out} was begun with other demonstrations ({'; '.join(lines)}); {INSTEAD}"
        )
    now = dataclasses.replace(facts, demonstrations=dict(demonstrations), data=data)
    return write_if_changed(out, facts, now)


def write_if_changed(out: Path, before: SearchFacts, now: SearchFacts) -> SearchFacts:
    """Write facts that are new, and return them."""
    if now != before:
        write_search_facts(out, now)
    return now


def read_trials(out: Path, facts: SearchFacts, space: Mapping[str, Range]) -> list[TrialRow]:
    """Read the rows of the finished trials of a search.

    Args:
        out: The folder.
        facts: Its facts.
        space: The values that the search tries.

    Raises:
        FmbenchError: They are not those of whole trials of this search.
    """
    path = out / TrialRow.file_name
    if not os.path.lexists(path):
        return []
    rows = read_rows(path, TrialRow)
    choice = facts.choice
    expected = [(task, policy) for task in choice.task or () for policy in choice.policy or ()]
    trials = by_trial(rows)
    for number, own in trials.items():
        if [(row.task, row.policy) for row in own] != expected:
            raise FmbenchError(
                f"{path} does not hold every task and policy of trial {number}; {RESTORE}"
            )
        _check_recipe(path, own, space)
    if list(trials) != list(range(len(trials))):
        raise FmbenchError(f"{path} does not hold the trials in order, from 0; {RESTORE}")
    return rows


def _check_recipe(path: Path, own: Sequence[TrialRow], space: Mapping[str, Range]) -> None:
    """Reject a trial whose rows have several recipes, or one that the search does not try."""
    first, number = own[0], own[0].trial
    if any(getattr(row, name) != getattr(first, name) for row in own for name in space):
        raise FmbenchError(f"{path} holds several recipes of trial {number}; {RESTORE}")
    if wrong := outside({name: getattr(first, name) for name in space}, space):
        raise FmbenchError(
            f"{path}: {wrong[0]} of trial {number} is {getattr(first, wrong[0])}, which this "
            f"search does not try ({space[wrong[0]]}); {RESTORE}"
        )
