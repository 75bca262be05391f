"""Test databases, dbshell, introspection: with Django's own backend and with ours."""

import os
import subprocess

import pytest

from apps.dbpool.tests.conftest import Database, backend, run, wrapper

pytestmark = pytest.mark.usefixtures("engine")


def test_test_databases_are_made_cloned_used_and_destroyed(database: Database) -> None:
    creation = wrapper().creation
    backend()
    creation._create_test_db(verbosity=0, autoclobber=True)
    wrapper().close()
    wrapper().settings_dict["NAME"] = "test_dbpool"
    assert run("SELECT current_database()") == [("test_dbpool",)]
    wrapper().close()
    creation.clone_test_db(suffix="1", verbosity=0)
    names = "SELECT datname FROM pg_database WHERE datname LIKE 'test_dbpool%%' ORDER BY 1"
    assert database.admin(names) == [("test_dbpool",), ("test_dbpool_1",)]
    creation.destroy_test_db(verbosity=0, suffix="1")
    assert run("SELECT 1") == [(1,)]
    wrapper().close()
    creation.destroy_test_db("dbpool", verbosity=0)
    assert database.admin(names) == []


def test_tables_are_introspected_and_changed() -> None:
    with wrapper().cursor() as cursor:
        names = [table.name for table in wrapper().introspection.get_table_list(cursor)]
    assert "note" in names
    with wrapper().schema_editor() as editor:
        editor.execute("ALTER TABLE note ADD COLUMN more int")
    assert run("SELECT more FROM note") == []


def test_dbshell_opens_psql_on_the_same_database(database: Database, tmp_path, monkeypatch) -> None:
    shell = tmp_path / "psql"
    shell.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/called"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    wrapper().client.runshell(["-c", "SELECT 1"])
    called = (tmp_path / "called").read_text().split()
    assert called == ["-U", "kwippy", "-h", str(database.server.sockets), "-c", "SELECT", "1", "dbpool"]


def test_a_failed_shell_is_an_error(tmp_path, monkeypatch) -> None:
    shell = tmp_path / "psql"
    shell.write_text("#!/bin/sh\nexit 3\n")
    shell.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(subprocess.CalledProcessError):
        wrapper().client.runshell([])
