# Read by the scripts beside it: `compose`, whichever of the two this machine has, in the project's folder.
cd "$(dirname "$0")/.."
if docker compose version >/dev/null 2>&1; then
  compose() { docker compose "$@"; }
else
  compose() { docker-compose "$@"; }
fi
say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
