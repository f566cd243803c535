# Time the stages of a part of CI. Sourced, not run.

SECONDS=0
TIMES=""
STARTED=0

# Name the stage that begins here.
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

# Run a command line, showing it.
show() {
  echo "+ $1"
  bash -euo pipefail -c "$1" < /dev/null
}

# Print the stages' times, then the last line of each test run's log.
close() {
  end_stage
  echo "== times of $1: $SECONDS s =="
  printf '%s' "$TIMES"
  shift
  for log in "$@"; do
    tail -n 1 "$log"
  done
}
