"""The running episodes of a vector environment as plain arrays, to be continued bit for bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.gym.vector_env import HandVectorEnv
from envs.world import Snapshot

WORD_BITS = 32
GENERATOR_WORDS = 10
"""Of a PCG64: its state and its increment, four words each, and what is left of its last draw."""
MEMORY = "memory."
Arrays = dict[str, np.ndarray]


def save_episodes(envs: HandVectorEnv) -> Arrays:
    """Return the state of all rows, each of which has an episode.

    Returns:
        Arrays with a leading dimension N: the physics, the episodes' variables as `memory.<name>`,
        the counters, the warnings, whether the episodes are over, and the generators that draw
        the seeds of later episodes, int64, see `generator_words`.
    """
    world = envs._world
    rows = [world.save(row) for row in range(envs.num_envs)]
    arrays: Arrays = {
        "physics": np.stack([row.physics for row in rows]),
        "counters": np.array([row.counters for row in rows], dtype=np.int64),
        "is_over": np.array([row.is_over for row in rows]),
        "warnings": np.stack([row.warnings for row in rows]).astype(np.int64),
        "generators": np.stack([generator_words(rng) for rng in envs.np_random]),
    }
    names = rows[0].memory
    return arrays | {f"{MEMORY}{n}": np.stack([row.memory[n] for row in rows]) for n in names}


def restore_episodes(envs: HandVectorEnv, arrays: Mapping[str, np.ndarray]) -> None:
    """Continue in all rows the episodes that `save_episodes` returned, of the same task and N.

    The seeds in `np_random_seed` are not restored; they draw nothing.
    """
    world = envs._world
    for row in range(envs.num_envs):
        memory = {
            name.removeprefix(MEMORY): values[row]
            for name, values in arrays.items()
            if name.startswith(MEMORY)
        }
        steps, held, seed = arrays["counters"][row].tolist()
        warnings = arrays["warnings"][row]
        is_over = bool(arrays["is_over"][row])
        world.restore(
            row, Snapshot(arrays["physics"][row], memory, (steps, held, seed), is_over, warnings)
        )
        generator = np.random.Generator(np.random.PCG64(0))
        set_generator(generator, arrays["generators"][row])
        envs._generators[row] = (generator, -1)
    envs._observations.update(world.all_rows)
    envs._is_over[:] = arrays["is_over"]
    envs._has_begun[:] = True


def generator_words(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the state of a generator of the kind PCG64 in words of 32 bits, `(10,)`."""
    state: Any = rng.bit_generator.state
    large = (state["state"]["state"], state["state"]["inc"])
    words = [value >> (WORD_BITS * k) & (2**WORD_BITS - 1) for value in large for k in range(4)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], dtype=np.int64)


def set_generator(rng: np.random.Generator, words: np.ndarray) -> None:
    """Give a generator of the kind PCG64 the state in `words`, `(10,)`."""
    values = [int(word) for word in words]
    state, inc = (sum(values[4 * i + k] << (WORD_BITS * k) for k in range(4)) for i in range(2))
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": values[8],
        "uinteger": values[9],
    }
