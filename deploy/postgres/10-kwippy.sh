#!/bin/sh
# Runs in a new cluster: creates the site's role, without superuser rights, and its database.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set password="$(cat /run/secrets/database_password)" <<'SQL'
CREATE ROLE kwippy LOGIN PASSWORD :'password';
ALTER ROLE kwippy SET log_min_messages = log;
CREATE DATABASE kwippy OWNER kwippy;
REVOKE CONNECT, TEMPORARY ON DATABASE kwippy FROM PUBLIC;
SQL
