"""The key of demonstrations depends on everything that determines their bytes, and nothing else."""

import re
from collections.abc import Callable, Iterator

import pytest

from envs import task_hash as hashes
from envs.hashing.definitions import Definitions
from envs.hashing.sources import Source, find_source
from fmbench.data import store
from fmbench.data.store import DemonstrationConfig, dataset_key

CONFIG = DemonstrationConfig("PressEither", 4)
KeyAfter = Callable[[str, str, str], str]


@pytest.fixture
def key_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyAfter]:
    """Return the key after replacing one word in a module's source."""

    def key(module: str, old: str, new: str) -> str:
        def edited(name: str) -> Source | None:
            source = find_source(name)
            if source is None or name != module:
                return source
            text = source.text.decode()
            word = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
            assert word.search(text), old
            return Source(word.sub(new, text).encode(), source.path)

        monkeypatch.setattr(hashes, "installed_definitions", lambda: Definitions(edited))
        hashes.task_hash.cache_clear()
        return dataset_key(CONFIG)

    yield key
    hashes.task_hash.cache_clear()


NOISE = "envs.experts.command_noise"
DECIDES = {
    "the noise's correlation": (NOISE, "CORRELATION = 0.9", "CORRELATION = 0.91"),
    "the noise of the wrist": (NOISE, "0.004, 0.010", "0.005, 0.010"),
    "the noise of Adroit's fingers": (NOISE, "0.015, 0.020", "0.015, 0.021"),
    "the noise's stream": (NOISE, '"command_noise"', '"noise"'),
    "how noise is clipped": (NOISE, "-1.0, 1.0", "-0.9, 0.9"),
    "which seeds are tried": ("fmbench.harness.seeds", "1_000_000", "2_000_000"),
    "what a rollout stores": (
        "fmbench.harness.rollout",
        "steps + 1] = observations",
        "steps] = observations",
    ),
    "which episodes are kept": ("fmbench.data.make", "if episode.success", "if episode.mode"),
    "what the file holds": ("fmbench.data.minari_file", '"clean_action"', '"command"'),
    "the task": ("envs.tasks.press_either", "hold_steps = 5", "hold_steps = 6"),
}
INDIFFERENT = {
    "a local of the noise": (NOISE, "figures", "numbers"),
    "an attribute of the noise": (NOISE, "_full_motion", "_whole"),
    "a local of the rollout": ("fmbench.harness.rollout", "refill", "next_rows"),
    "a local of the collection": ("fmbench.data.make", "missing", "still_missing"),
    "an error message": ("fmbench.data.make", "only {len", "no more than {len"),
    "another task": ("envs.registry", "horizon=60", "horizon=61"),
}


@pytest.mark.parametrize("edit", DECIDES.values(), ids=DECIDES)
def test_the_key_changes_with_what_determines_the_data(
    edit: tuple[str, str, str], key_after: KeyAfter
) -> None:
    present = dataset_key(CONFIG)
    assert key_after(*edit) != present


@pytest.mark.parametrize("edit", INDIFFERENT.values(), ids=INDIFFERENT)
def test_the_key_does_not_change_with_other_code(
    edit: tuple[str, str, str], key_after: KeyAfter
) -> None:
    present = dataset_key(CONFIG)
    assert key_after(*edit) == present


def test_the_key_changes_with_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    present = dataset_key(CONFIG)
    for package in store.PACKAGES:
        monkeypatch.setattr(store, "_versions", lambda package=package: {package: "99"})
        assert dataset_key(CONFIG) != present


def test_each_configuration_has_its_own_key() -> None:
    configs = [
        DemonstrationConfig(task, episodes, noise)
        for task, episodes, noise in (
            ("PressEither", 4, 1.0),
            ("PressEither", 5, 1.0),
            ("PressEither", 4, 0.5),
            ("PressChord", 4, 1.0),
        )
    ]
    assert len({dataset_key(config) for config in configs}) == 4
