"""docs/data.md gives every table, volume and cache one of four levels, and each level its protection."""

import datetime
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db import models
from django.test import RequestFactory

from apps.accounts import applications, browsers, factor_resets, leaving, names
from apps.accounts.models import User
from apps.archive import exporting, sweeping
from apps.commandqueue.core.options import RetentionPolicy
from apps.cspreports import actions as cspreports
from apps.securitylog.models import DAYS as SECURITY_LOG_DAYS

pytestmark = pytest.mark.asvs("14.1.1", "14.1.2")

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "data.md").read_text()
LEVELS = ["public", "members", "private", "secret"]
# What requirement 14.1.2 wants to have said of each level.
ASPECTS = {
    "who reads it", "in transit", "in the database", "integrity", "in caches", "in browsers", "in logs",
    "who reads logs", "in backups", "kept",
}  # fmt: skip
SENSITIVE = re.compile(r"password|secret|token|digest|hash|seed|^session_(?:key|data)$|^key$")


def table(title: str) -> list[list[str]]:
    """The rows below a heading, the head of the table first."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def levels(title: str) -> list[tuple[str, str]]:
    """What is named in the first cell of each row, with the level in the second."""
    return [
        (name, level) for what, level, *_ in table(title)[1:] for name in re.findall(r"`([\w.]+\.\w+)`", what)
    ]


TABLES, COLUMNS = dict(levels("Tables")), dict(levels("Single columns"))


def tables_of_the_site() -> dict[str, type[models.Model]]:
    every = apps.get_models(include_auto_created=True)
    return {model._meta.label: model for model in every if not model._meta.proxy}


def columns() -> list[tuple[str, models.Field]]:
    return [
        (f"{label}.{field.name}", field)
        for label, model in tables_of_the_site().items()
        for field in model._meta.local_fields
    ]


def test_each_table_has_one_level() -> None:
    named = Counter(name for name, _ in levels("Tables"))
    assert [name for name, times in named.items() if times > 1] == []
    assert named.keys() == tables_of_the_site().keys()
    assert {*TABLES.values(), *COLUMNS.values()} <= {*LEVELS}


def test_each_level_says_what_protects_it_in_every_respect() -> None:
    head, *rows = table("What protects a level")
    assert head[1:] == LEVELS == [row[0] for row in table("Levels")[1:]]
    assert {row[0] for row in rows} == ASPECTS
    assert [row for row in rows if len(row) != 5 or not all(row)] == []


def test_each_column_that_is_named_exists_and_is_above_or_in_its_tables_level() -> None:
    existing = dict(columns())
    for column, level in COLUMNS.items():
        assert column in existing
        assert LEVELS.index(level) >= LEVELS.index(TABLES[column.rpartition(".")[0]]), column


def test_each_column_whose_name_tells_of_a_secret_has_a_level() -> None:
    texts = (models.CharField, models.TextField, models.BinaryField, models.JSONField)
    sensitive = {
        column
        for column, field in columns()
        if isinstance(field, texts) and SENSITIVE.search(field.name) and not field.choices
    }
    assert len(sensitive) >= 10
    assert sensitive - COLUMNS.keys() == set()


def test_each_address_is_private() -> None:
    addresses = {
        column: TABLES[column.rpartition(".")[0]]
        for column, field in columns()
        if isinstance(field, models.EmailField | models.GenericIPAddressField)
    }
    assert len(addresses) >= 4
    found = {column for column, level in addresses.items() if level in ("public", "members")}
    assert found == {"accounts.User.email"} <= COLUMNS.keys()


def test_the_admin_shows_no_secret_column() -> None:
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_staff=True)
    secret = {column for column, level in COLUMNS.items() if level == "secret"}
    looked_at, shown = set(), set()
    for model, page in admin.site._registry.items():
        label = (model._meta.concrete_model or model)._meta.label
        looked_at |= {column for column in secret if column.startswith(f"{label}.")}
        fields = flatten_fieldsets(page.get_fieldsets(request, model()))
        shown |= {f"{label}.{name}" for name in (*fields, *page.get_list_display(request))} & secret
    assert {"tokens.Token.digest", "commandqueue.Command.body"} <= looked_at
    # Django shows how it is hashed, and some characters.
    assert shown == {"accounts.User.password"}


def test_each_volume_and_cache_has_a_level() -> None:
    rows = table("Outside of the tables")[1:]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}
    volumes = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["volumes"].keys()
    assert volumes | {f'CACHES["{alias}"]' for alias in settings.CACHES} | {"secrets/", ".env"} == named
    assert {row[1] for row in rows} <= {*LEVELS}
    assert all(row[2] for row in rows)


def days(time: datetime.timedelta | float) -> str:
    number = time.days if isinstance(time, datetime.timedelta) else round(time / 86_400)
    return {1: "a day", 365: "a year"}.get(number, f"{number} days")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("accounts.SignUp", days(names.SIGN_UP_LIFETIME)),
        ("accounts.Application", days(applications.REFUSED_LIFETIME)),
        ("accounts.FormerName", days(names.RESERVED_FOR)),
        ("accounts.ReservedName", days(names.RESERVED_FOR)),
        ("accounts.Leaving", f"{leaving.DAYS} days"),
        ("accounts.FactorReset", f"{factor_resets.DAYS} days"),
        ("accounts.KnownBrowser", f"the newest {browsers.MOST} "),
        ("archive.Export", days(exporting.KEPT)),
        ("archive.Import", days(sweeping.RESULTS_KEPT)),
        ("commandqueue.Command", f"{days(RetentionPolicy().done)} once done"),
        ("commandqueue.Command", f"{days(RetentionPolicy().dead)} if"),
        ("cspreports.Violation", f"{cspreports.DAYS} days"),
        ("securitylog.Entry", f"{SECURITY_LOG_DAYS} days"),
        ("sessions.Session", days(float(settings.SESSION_COOKIE_AGE))),
    ],
)
def test_a_time_is_that_of_the_code(name: str, kept: str) -> None:
    [row] = [row for row in table("Tables") if f"`{name}`" in row[0]]
    assert kept in row[3]
