# Timing of CI stages. Sourced, not run.

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
