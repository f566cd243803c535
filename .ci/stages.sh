# Timing of CI stages. Sourced, not run.

# Models of real hands: a copy at MENAGERIE_ROOT or beside the checkout. Without one, what needs
# them is left out, because downloading them needs a network.
if [ -z "${MENAGERIE_ROOT:-}" ] && [ -d ../shared/menagerie ]; then
  MENAGERIE_ROOT=$(cd ../shared/menagerie && pwd)
fi
export MENAGERIE_ROOT=${MENAGERIE_ROOT:-}

SECONDS=0
TIMES=""
STARTED=0

# End the current stage and start the named one.
stage() {
  end_stage
  STAGE=$1
  STARTED=$SECONDS
  echo "== $1 =="
}

end_stage() {
  if [ -n "${STAGE:-}" ]; then
    TIMES+=$(printf '  %5d s  %s' $((SECONDS - STARTED)) "$STAGE")$'\n'
  fi
  STAGE=""
}

# Print a command line and run it.
show() {
  echo "+ $1"
  bash -euo pipefail -c "$1" < /dev/null
}

# Pass lines on, without those that need models of real hands where there are none.
with_models() {
  if [ -n "$MENAGERIE_ROOT" ]; then
    cat
  else
    echo "left out, no copy at MENAGERIE_ROOT: what needs models of hands" >&2
    grep -v -e '--hand' -e '\[hands\]' -e '^hands|'
  fi
}

# Install what the tests marked `browser` need, where it is missing: Chromium, and npm, which fetches
# axe-core. Where that cannot be had it says so and fails.
with_chromium() {
  local command
  for command in chromium npm; do
    command -v "$command" > /dev/null || show "apt-get update -q && apt-get install -q -y --no-install-recommends $command" || true
    command -v "$command" > /dev/null || {
      echo "left out, no $command and none could be installed (apt-get install $command): tests in a browser" >&2
      return 1
    }
  done
  npm view axe-core version > /dev/null 2>&1 || {
    echo "left out, npm cannot fetch axe-core: tests in a browser" >&2
    return 1
  }
}

# Print a Python of a version, e.g. 3.12: `python3`, one with its number, or one of pyenv.
python_of() {
  local found
  for found in python3 "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    if [ "$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null)" = "$1" ]; then
      echo "$found"
      return
    fi
  done
  return 1
}

# Print the times of the stages, then the last line of each test log.
close() {
  end_stage
  echo "== times of $1: $SECONDS s =="
  printf '%s' "$TIMES"
  shift
  for log in "$@"; do
    tail -n 1 "$log"
  done
}
