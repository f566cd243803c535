"""Print the commands of the bash blocks of Markdown files, one per line, made quick where long.

A command that trains by a preset gets the smoke preset, so that CI runs every line of the
documentation.
"""

import re
import sys
from pathlib import Path

TRAINING = re.compile(r"-m fmbench[ .]run\b|examples/(add_policy|add_task|seed_network)\.py\b")
"""Commands with the flags of `fmbench.run`."""


def commands(text: str) -> list[str]:
    """Return the commands of all ```bash blocks, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def quick(command: str) -> str:
    """Append the smoke preset to a command that trains by a preset and names none."""
    is_long = TRAINING.search(command) and "--preset" not in command
    return f"{command} --preset smoke" if is_long else command


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for line in commands(Path(name).read_text(encoding="utf-8")):
            print(quick(line))
