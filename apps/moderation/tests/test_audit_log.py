"""The audit log: written with each action, and never changed, by SQL, by the admin, or by a rollback."""

import uuid
from importlib import import_module

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.accounts.models import User
from apps.moderation import actions
from apps.moderation.models import Action, Reason, Warning, What

pytestmark = pytest.mark.django_db

CHANGES = [
    "UPDATE moderation_action SET words = 'x'",
    "DELETE FROM moderation_action",
    "TRUNCATE moderation_action",
]


@pytest.fixture
def action(ann: User, mod: User) -> Action:
    return actions.act(what=What.LIMIT, person=ann, by=mod, reason=Reason.SPAM, words="why")


@pytest.fixture
def strict(db: None) -> None:
    """As the migration leaves it: tests that empty the database need TRUNCATE (`tests/support/plugin.py`)."""
    migration = import_module("apps.moderation.migrations.0001_initial")
    with connection.cursor() as cursor:
        cursor.execute("GRANT ALL ON moderation_action TO CURRENT_USER")
        cursor.execute("DROP FUNCTION moderation_refuse CASCADE")
        cursor.execute(migration.APPEND_ONLY)


def refusal(sql: str) -> str:
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refused.value)


@pytest.mark.asvs("16.4.2")
@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("sql", CHANGES)
def test_the_sites_role_can_not_change_it(action: Action, sql: str) -> None:
    assert "permission denied" in refusal(sql)
    assert Action.objects.get() == action


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("sql", CHANGES)
def test_a_role_that_has_the_privileges_can_not_either(action: Action, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT UPDATE, DELETE, TRUNCATE ON moderation_action TO CURRENT_USER")
    assert "append-only" in refusal(sql)


@pytest.mark.asvs("16.2.1")
def test_a_row_says_who_did_what_on_whom_and_what_changed(ann: User, mod: User, action: Action) -> None:
    assert (action.actor_id, action.person_id, action.what, action.reason, action.words) == (
        mod.pk, ann.pk, "limit", "spam", "why",
    )  # fmt: skip
    assert (action.before["limited"], action.after["limited"]) == (False, True)


@pytest.mark.asvs("2.3.3")
def test_an_action_that_fails_leaves_neither_a_row_nor_a_change(
    ann: User, mod: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(actions.mails, "of_action", fails)
    with pytest.raises(OSError):
        actions.act(what=What.SUSPEND, person=ann, by=mod, reason=Reason.SPAM)
    ann.refresh_from_db()
    assert ann.is_active
    assert not Action.objects.exists()


def test_it_outlives_the_people_that_it_is_about(ann: User, mod: User, action: Action) -> None:
    mod.delete()
    ann.delete()
    assert Action.objects.get() == action


def test_its_words_name_no_one_while_the_mail_has_all_of_them(ann: User, bob: User, mod: User) -> None:
    User.objects.filter(pk=ann.pk).update(display_name="Ann of Tea")
    ann.refresh_from_db()
    page = f"{settings.SITE_URL}/bob/"
    words = f"ANN, Ann of Tea (ann@example.org): @bob and bob@example.org at {page} asked. anna did not."
    logged = actions.act(what=What.WARN, person=ann, by=mod, reason=Reason.OTHER, words=words)
    assert Action.objects.get().words == "…, … (…): … and … at … asked. anna did not."
    assert logged.words == Warning.objects.get().words == words
    assert words in " ".join(str(mail.outbox[-1].body).split())


def test_the_admin_shows_it_and_changes_nothing(action: Action, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root_user", "root@example.org"))
    address = "/admin/moderation/action/"
    assert "limit" in client.get(address).content.decode()
    page = f"{address}{action.pk}/"
    assert "why" in client.get(f"{page}change/").content.decode()
    for path in (f"{page}change/", f"{page}delete/", f"{address}add/"):
        assert client.post(path, {"words": "x", "post": "yes"}).status_code == 403
    client.post(address, {"action": "delete_selected", "_selected_action": [action.pk], "post": "yes"})
    assert Action.objects.get().words == "why"


def test_switching_off_in_the_admin_is_logged_and_a_form_does_not_do_it(
    ann: User, mod: User, client: Client
) -> None:
    root = User.objects.create_superuser("root_user", "root@example.org")
    client.force_login(root)
    address = "/admin/accounts/user/"
    listed = client.get(f"{address}{ann.pk}/change/").content.decode()
    assert 'name="is_active"' not in listed
    for name, is_active in (("switch_off", False), ("switch_on", True)):
        client.post(address, {"action": name, "_selected_action": [ann.pk]})
        ann.refresh_from_db()
        assert ann.is_active == is_active
    logged = Action.objects.order_by("pk").values_list("what", "actor_id", "person_id")
    assert list(logged) == [("suspend", root.pk, ann.pk), ("restore", root.pk, ann.pk)]


@pytest.mark.parametrize(
    ("words", "what", "field"),
    [(["suspend"], "suspend", "is_active"), (["silence"], "limit", "is_limited")],
)
def test_the_command_line_acts_and_is_logged(
    ann: User, capsys: pytest.CaptureFixture[str], words: list[str], what: str, field: str
) -> None:
    before = getattr(ann, field)
    for _ in range(2):
        call_command(*words, "@Ann", "--reason", "spam", "--words", "stop it")
    ann.refresh_from_db()
    assert getattr(ann, field) != before
    logged = Action.objects.get()
    assert (logged.actor_id, logged.what, logged.reason, logged.words) == (None, what, "spam", "stop it")
    call_command(*(["restore", "ann"] if what == "suspend" else ["silence", "ann", "--off"]))
    ann.refresh_from_db()
    assert getattr(ann, field) == before
    assert "so already" in capsys.readouterr().out


def test_a_command_with_an_unknown_name_does_nothing(ann: User) -> None:
    for names in (["ann", "nobody_here"], ["ann", "--words", "x" * 1001]):
        with pytest.raises(CommandError, match="nothing was done"):
            call_command("suspend", *names)
    assert not Action.objects.exists()


def test_a_form_key_is_used_once(ann: User, mod: User) -> None:
    key = uuid.uuid4()
    actions.act(what=What.LIMIT, person=ann, by=mod, reason=Reason.SPAM, form_key=key)
    with pytest.raises(actions.NothingToDo):
        actions.act(what=What.UNLIMIT, person=ann, by=mod, reason=Reason.SPAM, form_key=key)
    ann.refresh_from_db()
    assert ann.is_limited, "the second one is rolled back"
