"""Print the commands in the bash blocks of Markdown files, one per line.

Commands that train get the smoke preset, so that CI can run every command of the documentation.
"""

import re
import sys
from pathlib import Path


def commands(text: str) -> list[str]:
    """Return the commands of all bash blocks, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def quick(command: str) -> str:
    """Append the smoke preset to a command that trains."""
    trains = re.search(r"-m fmbench\.run|my_task\.py|my_policy\.py|examples/\w+\.py", command)
    return f"{command} --preset smoke" if trains and "--preset" not in command else command


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for line in commands(Path(name).read_text(encoding="utf-8")):
            print(quick(line))
