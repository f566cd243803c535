# Timing of CI stages. Sourced, not run.

# Models of real hands: a copy at MENAGERIE_ROOT or beside the checkout. Without one, what needs
# them is left out, because downloading them needs a network.
if [ -z "${MENAGERIE_ROOT:-}" ] && [ -d ../shared/menagerie ]; then
  MENAGERIE_ROOT=$(cd ../shared/menagerie && pwd)
fi
export MENAGERIE_ROOT=${MENAGERIE_ROOT:-}

# When CI began, and after how many seconds no further extra is begun: a machine that is far slower than
# usual then ends with what it has checked, and names the rest, instead of being stopped with nothing.
export CI_BEGAN=${CI_BEGAN:-$(date +%s)}
CI_LATEST_S=${CI_LATEST_S:-3300}

SECONDS=0
LATE=""
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

# Whether there is time for an extra; otherwise it is named at the end.
in_time() {
  [ $(($(date +%s) - CI_BEGAN)) -lt "$CI_LATEST_S" ] && return
  echo "left out, $CI_LATEST_S s have passed: $1" >&2
  LATE+="  $1"$'\n'
  return 1
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
  npm pack --silent --pack-destination "${environments:-/tmp}" axe-core > /dev/null 2>&1 || { # not only its name
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
  [ -z "$LATE" ] || printf '== left out, %s s had passed ==\n%s' "$CI_LATEST_S" "$LATE"
  shift
  for log in "$@"; do
    tail -n 1 "$log"
  done
}
