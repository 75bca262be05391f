"""New migrations expand before they contract: the release before goes on working on the next one's tables."""

import pytest
from django.apps import apps
from django.conf import settings
from django_migration_linter.migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import analyse_sql_statements, get_sql_analyser_class

OURS = [config.label for config in apps.get_app_configs() if config.name.startswith(("apps.", "kwippy"))]
# Migrations that remove columns or tables that no supported release uses, or that lock a small table.
# Each says since when, or why.
MEANT = {
    "0002_tries": "limits: made before there was a first release",
    "0002_switched_off": "accounts: reads the people once, a fraction of a second for 100,000",
    "0006_display_name_prefix": "accounts: as 0002",
    "0008_limited_index": "accounts: as 0002",
    "0014_staff_index": "accounts: as 0002",
    "0023_superuser_index": "accounts: as 0002",
    "0002_open_messages": "contact: reads the messages once, and no request waits for them",
    "0003_mail_channels": "notifications: the table is of the same release, and empty",
    "0003_tombstones_know_their_audience": "kwips: reads the tombstones once; none is in the index yet",
}


@pytest.mark.django_db
def test_new_migrations_lock_nothing_for_long_and_take_nothing_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    linter = MigrationLinter(
        str(settings.BASE_DIR),
        include_apps=OURS,
        ignore_initial_migrations=True,
        ignore_name=list(MEANT),
        all_warnings_as_errors=True,
        no_cache=True,
        analyser_string="postgresql",
        quiet=["ok", "ignore"],
    )
    linter.lint_all_migrations()
    assert linter.nb_total >= len(OURS) - 2, "some apps have no migrations, most have"
    assert not linter.has_errors, capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ('ALTER TABLE "kwips_kwip" DROP COLUMN "text" CASCADE;', "DROP_COLUMN"),
        ('ALTER TABLE "kwips_kwip" RENAME COLUMN "text" TO "words";', "RENAME_COLUMN"),
        ('ALTER TABLE "kwips_kwip" ADD COLUMN "mood" text NOT NULL;', "NOT_NULL"),
        ('CREATE INDEX "kwips_mood" ON "kwips_kwip" ("mood");', "CREATE_INDEX"),
    ],
)
def test_a_migration_that_the_release_before_would_not_survive_is_named(statement: str, code: str) -> None:
    errors, _, warnings = analyse_sql_statements(get_sql_analyser_class("postgresql"), ["BEGIN;", statement])
    assert code in [issue.code for issue in [*errors, *warnings]]


@pytest.mark.parametrize(
    "statement",
    [
        'ALTER TABLE "kwips_kwip" ADD COLUMN "mood" text NULL;',
        'CREATE INDEX CONCURRENTLY "kwips_mood" ON "kwips_kwip" ("mood");',
    ],
)
def test_one_that_it_would_is_not(statement: str) -> None:
    errors, _, warnings = analyse_sql_statements(get_sql_analyser_class("postgresql"), [statement])
    assert not [*errors, *warnings]
