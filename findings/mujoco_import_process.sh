#!/usr/bin/env bash
# Guess: `import mujoco` on a machine without a display loads libraries into this process and starts no other.
# Seen with mujoco 4.0.0 and glfw 2.11.0: unless MUJOCO_GL is set, the import starts a second Python interpreter. The
# package glfw asks it for the version of every GLFW library that it finds, its own one too, and waits for the answer.
# With PYGLFW_LIBRARY set to the library inside the package no process is started. Output seen:
#   mujoco 4.0.0, glfw 2.11.0
#   MUJOCO_GL unset: processes started by the import: 1
#   PYGLFW_LIBRARY set: processes started by the import: 0
# What follows: a command that is stopped in its first second can have a child that nobody knows of, which still writes
# to the terminal; and a sixth of the import's time is that of another Python. Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q mujoco==4.0.0 glfw==2.11.0
cd "$folder"
unset MUJOCO_GL DISPLAY WAYLAND_DISPLAY XDG_SESSION_TYPE PYGLFW_LIBRARY PYGLFW_LIBRARY_VARIANT
cat > count.py <<'PY'
import sys

started = []
sys.addaudithook(lambda event, words: started.append(event) if event == "subprocess.Popen" else None)
import mujoco  # noqa: E402

print(len(started))
PY
python=$folder/env/bin/python
"$python" -c 'from importlib.metadata import version as v; print("mujoco", v("mujoco") + ", glfw", v("glfw"))'
without=$("$python" count.py)
with=$(PYGLFW_LIBRARY=$(echo "$folder"/env/lib/python*/site-packages/glfw/x11/libglfw.so) "$python" count.py)
echo "MUJOCO_GL unset: processes started by the import: $without"
echo "PYGLFW_LIBRARY set: processes started by the import: $with"
[ "$without" = 1 ] && [ "$with" = 0 ] || { echo "the behaviour has changed" >&2; exit 1; }
