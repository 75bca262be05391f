# Read by the scripts beside it: `compose` in the project's folder, and how a script says how it ended.
cd "$(dirname "$0")/.."

# Compose v2 where it is installed, docker-compose 1.29 otherwise. COMPOSE=docker-compose names the one to use.
if [ -n "${COMPOSE:-}" ]; then :; elif docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE=docker-compose; fi
# Two words where it is `docker compose`.
compose() { $COMPOSE "$@"; }

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# A script that ends early says what it was doing, what state that leaves, and what to do. It sets `doing` and
# `state` as it goes, and may define `undo`, which runs first.
doing=starting
state="nothing has changed"
undo() { :; }
ended() {
  code=$?
  trap - EXIT
  [ $code -ne 0 ] || exit 0
  say "FAILED while $doing"
  undo || :
  say "$state"
  exit $code
}
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The value of a variable of .env as a container of a service has it.
setting() { compose exec -T "$1" printenv "$2" </dev/null; }

# The ids of the containers of a service that run.
running() {
  # The older compose lists stopped ones too.
  for id in $(compose ps -q "$1"); do
    [ "$(docker inspect --format '{{.State.Running}}' "$id")" != true ] || echo "$id"
  done
}

# Read a backup to its end. Fails where one of its files is cut off or damaged.
readable() {
  for archive in media.tar media.since.tar; do
    tar --list --file "$1/$archive" >/dev/null
    # tar does not mind an archive that was cut off between two files; a whole one ends with two empty blocks.
    [ "$(tail -c 1024 "$1/$archive" | tr -d '\000' | wc -c)" -eq 0 ]
  done
  compose exec -T postgres pg_restore --file /dev/null <"$1/database.dump"
}
