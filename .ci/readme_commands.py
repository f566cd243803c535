"""Print the commands of the bash blocks of Markdown files, one per line, made quick where long.

A command that trains gets the smoke preset, so that every line of the documentation is run by CI.
"""

import re
import sys
from pathlib import Path


def commands(text: str) -> list[str]:
    """Return the commands of all ```bash blocks, in order."""
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
