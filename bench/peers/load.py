"""Copies the community's people, public kwips and follows into the database of Flask's microblog."""

import os
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2

from bench.lib.database import Server
from deploy.local.postgres import ROLE

NAME = "microblog"
# What the peer's columns take: its texts and biographies have 140 characters.
TABLES = {
    '"user" (id, username, email, about_me, last_seen)': """
        SELECT id, username, coalesce(nullif(email, ''), username || '@peers.example'), left(bio, 140), now()
        FROM accounts_user
    """,
    "post (id, body, timestamp, user_id, language)": """
        SELECT row_number() OVER (ORDER BY id), left(text, 140), created_at, author_id, 'en' FROM kwips_kwip
        WHERE thread_id IS NULL AND audience_id IS NULL AND visibility = 0 AND withheld = 0
    """,
    "followers (follower_id, followed_id)": "SELECT follower_id, followee_id FROM graph_follow",
}
_TABLES_OF_ITS_OWN = """
from microblog import app
from app import db
from app import models
with app.app_context():
    db.create_all()
"""


def address(server: Server) -> str:
    """The peer's database, as SQLAlchemy names it."""
    return f"postgresql+psycopg2://{ROLE}@/{NAME}?host={server.sockets}"


def load(server: Server, python: str, folder: Path, *, community: str) -> dict[str, int]:
    """Makes the peer's database from the database ``community``; the number of rows by table."""
    server.empty(NAME)
    environment = os.environ | {"PEER_DATABASE": address(server)}
    subprocess.run([python, "-c", _TABLES_OF_ITS_OWN], cwd=folder, env=environment, check=True)
    copied = {}
    with (
        closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=community)) as ours,
        closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=NAME)) as theirs,
    ):
        ours.autocommit = theirs.autocommit = True
        with ours.cursor() as read, theirs.cursor() as write:
            for table, rows in TABLES.items():
                with tempfile.TemporaryFile() as file:
                    read.copy_expert(f"COPY ({rows}) TO STDOUT", file)
                    file.seek(0)
                    write.copy_expert(f"COPY {table} FROM STDIN", file)
                copied[table.split()[0].strip('"')] = write.rowcount
            write.execute("VACUUM (ANALYZE)")
    return copied


def wait_until_idle(server: Server) -> None:
    """Returns when the peer's queries have ended: a slow one goes on after the load that asked for it."""
    with closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=NAME)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = %s AND state = 'active' AND pid <> pg_backend_pid()",
                    [NAME],
                )
                if cursor.fetchone() == (0,):
                    return
                time.sleep(0.1)
