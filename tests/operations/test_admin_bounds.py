"""Every list of the admin reads a bounded number of rows, whatever the size of its table."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteMixin, ForeignKeyRawIdWidget
from django.db import connection
from django.db.models import Model
from django.forms import ModelChoiceField
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import joining_admin
from apps.accounts.models import Application, Invitation, User
from apps.commandqueue.models import Command
from apps.commandqueue.operate import admin as commands
from apps.contact import admin as contact
from apps.contact.models import Message
from apps.kwips import admin_search
from apps.kwips.models import Kwip
from apps.moderation.models import Action
from apps.securitylog import keyed
from apps.securitylog.models import Entry
from apps.tokens.models import Token
from kwippy import admin_defaults

pytestmark = pytest.mark.django_db

ROWS = 6_000
WINDOW = 300  # in place of the limits of counting and searching
MOST_READ = 5 * WINDOW
# Models with few rows: what operators write, and what has a limit of its own.
FEW = {
    "auth.Group", "commandqueue.QueueControl", "commandqueue.Schedule", "cspreports.Violation",
    "directory.FirstFollow",
    "notifications.OperatorMessage", "policy.BlockedDomain", "policy.BlockedNetwork", "policy.SitePolicy",
    "sitepages.SitePage",
}  # fmt: skip
# A row of each other model, by its number. What is rare (staff, dead letters, open cases) is old.
NOW = timezone.now()
FILL: dict[type[Model], Callable[[int], Any]] = {
    User: lambda i: User(
        pk=i, username=f"person{i}", email=f"person{i}@example.org", is_active=i != 9, is_staff=i == 8,
        display_name=f"Person {i}" * (i % 2), is_limited=i == 7,
    ),
    EmailAddress: lambda i: EmailAddress(
        user_id=i, email=f"person{i}@example.org", verified=i > 5, primary=True
    ),
    UserSession: lambda i: UserSession(user_id=i, ip="192.0.2.9", session_key=f"key{i}", user_agent="curl"),
    Token: lambda i: Token(owner_id=i, name="a script", scopes=1, digest=f"{i}"),
    Invitation: lambda i: Invitation(inviter_id=i, token_hash=f"{i}", expires_at=NOW, taken_by_id=i),
    Application: lambda i: Application(
        username=f"name{i}", email=f"name{i}@example.org", words="let me in",
        refused_at=NOW - timedelta(seconds=i) if i > 5 else None,
    ),
    Kwip: lambda i: Kwip(
        pk=i, author_id=i, text="a cup of tea", form_key=uuid.uuid4(), visibility=int(i == 7),
        audience_id=7 if i == 7 else None,
    ),
    Command: lambda i: Command(
        kind="mail" if i == 3 else "task", queue_name="bulk" if i == 3 else "now", task="a.task",
        state="done" if i > 9 else "dead" if i > 5 else "waiting", finished_at=NOW if i > 5 else None,
        due_at=NOW - timedelta(hours=1), expires_at=NOW,
    ),
    Message: lambda i: Message(
        form_key=uuid.uuid4(), name="Ann", email=f"ann{i}@example.org", subject="tea", text="is cold",
        is_handled=i > 5,
    ),
    Entry: lambda i: Entry(
        event="limit_met" if i == 3 else "signed_in", user_id=i, login=keyed(f"person{i}"), by_id=None
    ),
    Action: lambda i: Action(what="warn", person_id=i, reason="spam", form_key=uuid.uuid4()),
}  # fmt: skip
LARGE = {model._meta.label for model in FILL}
WORDS = [
    "tea", "person77", "@person77", "pers*", "person77@example.org", "ann77@example.org", "nothing", "77",
    "/person77/kwip/77/", "192.0.2.9", "=",
]  # fmt: skip


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Client:
    for module, name in (
        (admin_defaults, "MOST_COUNTED"),
        (admin_search, "WINDOW"),
        (commands, "WINDOW"),
        (contact, "WINDOW"),
        (joining_admin, "SEARCHED"),
    ):
        monkeypatch.setattr(module, name, WINDOW)
    for model, row in FILL.items():
        model._default_manager.bulk_create(map(row, range(1, ROWS + 1)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As with a large table: PostgreSQL reads one whole only if no index serves.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), {ROWS})")
    client = Client()
    client.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    return client


def rows_read(plan: dict[str, Any]) -> int:
    """The rows that a plan read from tables and indexes."""
    scanned = "Relation Name" in plan or "Index Name" in plan
    own = (
        (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"] if scanned else 0
    )
    return int(own) + sum(rows_read(below) for below in plan.get("Plans", []))


def most_read(statements: list[str]) -> tuple[int, str]:
    """The largest number of rows that one of these statements reads, and the statement."""
    read = [(0, "")]
    with connection.cursor() as cursor:
        for sql in statements:
            if sql.startswith("SELECT"):
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"))
                found = cursor.fetchone()[0]
                [result] = json.loads(found) if isinstance(found, str) else found
                read.append((rows_read(result["Plan"]), sql))
    return max(read)


def addresses(client: Client, path: str) -> Iterator[str]:
    """A list with each of its filters, each of its orders, its pages, and searches."""
    listed = client.get(path).context["cl"]
    assert listed.result_list, path
    yield from ("", "?p=2", "?_facets=True", *(f"?o={number}" for number in range(1, 9)))
    for spec in listed.filter_specs:
        yield from {choice["query_string"] for choice in spec.choices(listed)}
    if listed.search_fields:
        yield from (f"?q={word}" for word in WORDS)


def test_a_model_of_the_admin_is_tested_here_or_has_few_rows() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert registered == FEW | LARGE


def test_every_list_of_the_admin_reads_few_rows(operator: Client) -> None:
    failed = []
    for model in admin.site._registry:
        if model not in FILL:
            continue
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for query in addresses(operator, path):
            with CaptureQueriesContext(connection) as captured:
                assert operator.get(path + query).status_code in (200, 302), path + query
            read, sql = most_read([each["sql"] for each in captured])
            if read > MOST_READ:
                failed.append(f"{path}{query}: {read} rows\n    {sql[:400]} … {sql[-300:]}")
    assert not failed, "\n".join(failed)


def test_no_form_of_the_admin_lists_all_rows_of_a_large_table() -> None:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    for model, options in admin.site._registry.items():
        if not (options.has_add_permission(request) or options.has_change_permission(request)):
            continue
        for name, field in options.get_form(request).base_fields.items():
            if (
                isinstance(field, ModelChoiceField)
                and field.queryset is not None
                and field.queryset.model in FILL
            ):
                widget = getattr(field.widget, "widget", field.widget)
                assert isinstance(widget, ForeignKeyRawIdWidget | AutocompleteMixin), (model, name)
