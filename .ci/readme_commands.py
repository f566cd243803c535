"""Print the commands in the bash blocks of Markdown files, one per line.

Commands that train by a preset get the smoke preset, so that CI can run every command of the
documentation. A command that several pages have is printed once.
"""

import re
import sys
from pathlib import Path

TRAINING = re.compile(
    r"-m fmbench[ .]run\b"
    r"|(?<!--plugin )examples/(add_(encoder|hand|policy|task)|seed_network|yolo_hand)\.py\b"
)
"""Commands with the flags of `fmbench.run`."""


def commands(text: str) -> list[str]:
    """Return the commands of all bash blocks, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def quick(command: str) -> str:
    """Append the smoke preset to a command that trains by a preset and names none."""
    is_long = TRAINING.search(command) and "--preset" not in command
    return f"{command} --preset smoke" if is_long else command


def of_files(texts: list[str]) -> list[str]:
    """Return the commands of several files, in order and each once, quick where they train."""
    return list(dict.fromkeys(quick(line) for text in texts for line in commands(text)))


if __name__ == "__main__":
    print("\n".join(of_files([Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]])))
