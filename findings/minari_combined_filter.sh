#!/usr/bin/env bash
# Guess: `combine_datasets` of a data set from which episodes were filtered out, and of another, has the episodes that were
# left, with all that is known of them.
# Seen with minari 0.5.4: `filter_episodes` and `split_dataset` only note which episodes are looked at, and `combine_datasets` copies
# the files: all episodes come back, those that were left out for their failure among them, or those of the other side of a split.
# And the seeds of all episodes are gone, so that none can be replayed from its initial state; `add_to_dataset` loses them as
# well. Episodes of seeds 0 to 3, of which the even ones succeed, and of seed 4; output seen:
#   minari 0.5.4
#   recorded: 4 episodes, 2 successes, seeds [0, 1, 2, 3]
#   filtered to successes: 2 episodes, 2 successes
#   combined with another: 5 episodes, 3 successes, seeds [None, None, None, None, None]
#   the larger part of a split 3 to 1, combined with the same: 5 episodes
#   one episode of seed 5 added: seeds [0, 1, 2, 3, None]
# What follows: select episodes before they are stored, or write the selected ones anew with `create_dataset_from_buffers`; keep
# seeds among the infos.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q minari==0.5.4 gymnasium==1.4.0 numpy==2.4.6 h5py==3.16.0 pillow==13.0.0 jax==0.10.2 jaxlib==0.10.2
cd "$folder"
cat > counting.py <<'PY'
import gymnasium
import numpy as np
from gymnasium.spaces import Box


class Counting(gymnasium.Env):
    """Episodes of three steps, which end in success if their seed is even."""

    observation_space = Box(-10, 10, (1,), np.float32)
    action_space = Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.is_good, self.step_index = seed % 2 == 0, 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.step_index += 1
        ended = self.step_index == 3
        return np.zeros(1, np.float32), float(ended and self.is_good), ended, False, {}
PY
seen=$(MINARI_DATASETS_PATH="$folder/sets" "$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
import gymnasium
import minari
import numpy as np

gymnasium.register("Counting-v0", entry_point="counting:Counting", max_episode_steps=10)


def recorded(seeds):
    env = minari.DataCollector(gymnasium.make("Counting-v0"))
    for seed in seeds:
        env.reset(seed=seed)
        for _ in range(3):
            env.step(np.zeros(1, np.float32))
    return env


def succeeded(episode):
    return episode.rewards.sum() > 0


def counted(dataset):
    episodes = list(dataset.iterate_episodes())
    return f"{len(episodes)} episodes, {sum(map(succeeded, episodes))} successes"


def seeds(dataset):
    stored = dataset.storage.get_episode_metadata(range(dataset.storage.total_episodes))
    return [None if entry.get("seed") is None else int(entry["seed"]) for entry in stored]


print("minari", minari.__version__)
first = recorded(range(4)).create_dataset("counting/first-v0")
other = recorded([4]).create_dataset("counting/other-v0")
print(f"recorded: {counted(first)}, seeds {seeds(first)}")
good = first.filter_episodes(succeeded)
print("filtered to successes:", counted(good))
both = minari.combine_datasets([good, other], "counting/both-v0")
print(f"combined with another: {counted(both)}, seeds {seeds(both)}")
part = minari.split_dataset(first, [3, 1], seed=0)[0]
split = minari.combine_datasets([part, other], "counting/split-v0")
print("the larger part of a split 3 to 1, combined with the same:", counted(split).split(",")[0])
recorded([5]).add_to_dataset(first)
print("one episode of seed 5 added: seeds", seeds(minari.load_dataset("counting/first-v0")))
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="minari 0.5.4
recorded: 4 episodes, 2 successes, seeds [0, 1, 2, 3]
filtered to successes: 2 episodes, 2 successes
combined with another: 5 episodes, 3 successes, seeds [None, None, None, None, None]
the larger part of a split 3 to 1, combined with the same: 5 episodes
one episode of seed 5 added: seeds [0, 1, 2, 3, None]"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
