"""The process of ultralytics ends when nobody listens any more."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TALKS = """
import itertools, sys
from pathlib import Path
from fmbench.detection import worker

def talk(job, on_progress):
    for done in itertools.count():
        Path(sys.argv[2], str(done)).touch()
        on_progress(done)

sys.modules["talking"] = sys.modules["__main__"]
worker.WORKS["talk"] = "talking:talk"
worker.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_whose_answers_nobody_reads_deletes_its_folder_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", TALKS, "talk", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"{}\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"ready": ')
    assert process.stdout.readline() == b'{"progress": 0}\n'
    process.stdout.close()  # while stdin stays open
    assert process.wait(60) == -signal.SIGKILL
    assert not folder.exists()
    process.stdin.close()
