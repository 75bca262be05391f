# Sourced by the scripts beside it: defines `compose`, and reports how a script ended.
cd "$(dirname "$0")/.."

# Compose v2 if it is installed, else docker-compose 1.29. COMPOSE=docker-compose chooses.
if [ -n "${COMPOSE:-}" ]; then :; elif docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE=docker-compose; fi
# Unquoted: `docker compose` is two words.
compose() { $COMPOSE "$@"; }

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# A script that fails reports its step, the state that this leaves, and the next step. It sets `doing` and `state`
# before each step, and may define `undo`, which runs first.
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

# A release may add a secret, which is empty until the operator fills it in. Compose needs its file.
[ ! -s secrets/secret_key ] || deploy/make-secrets empty >&2

# The value of an environment variable in a service's container.
setting() { compose exec -T "$1" printenv "$2" </dev/null; }

# The ids of a service's running containers.
running() {
  # The older compose lists stopped ones too.
  for id in $(compose ps -q "$1"); do
    [ "$(docker inspect --format '{{.State.Running}}' "$id")" != true ] || echo "$id"
  done
}

# The service of deploy/syslog.yml, if this site has it.
sender() { compose config --services | grep -x syslog || :; }

# Keep a note for the doctor (kwippy/doctor/notes.py): NAME, and a line that begins with a time. What it is about has
# succeeded, so that this may fail.
note_down() {
  echo "$2" | compose run --rm --no-deps -T migrate sh -c \
    "cat >/srv/kwippy/operations/.$1 && mv /srv/kwippy/operations/.$1 /srv/kwippy/operations/$1" \
    || say "this could not be noted down for deploy/doctor"
}

# Read a backup's pictures. Fails if a file is truncated or damaged.
whole() {
  for archive in media.tar media.since.tar; do
    tar --list --file "$1/$archive" >/dev/null
    # tar accepts an archive that was truncated between two files; a complete one ends with two empty blocks.
    [ "$(tail -c 1024 "$1/$archive" | tr -d '\000' | wc -c)" -eq 0 ]
  done
}

# Read a whole backup. Fails if a file is truncated or damaged.
readable() {
  whole "$1"
  compose exec -T postgres pg_restore --file /dev/null <"$1/database.dump"
}

# SQL that prints `table|rows` of each table of the site.
COUNT_ROWS="SELECT format('SELECT %L, count(*) FROM %I.%I', relname, relnamespace::regnamespace, relname)
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relpersistence = 'p'
  ORDER BY relname \\gexec"
