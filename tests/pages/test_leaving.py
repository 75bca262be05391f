"""Leaving: hidden at once, fourteen days to come back, and what a visitor may learn of it."""

import datetime
import io

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts import erasing, leaving, names
from apps.accounts.actions import switch_off, switch_on
from apps.accounts.models import Leaving, User
from apps.commandqueue.models import Command
from apps.kwips.models import Kwip
from tests.invalidation.scenario import write
from tests.support.people import PASSWORD, link_to, member, sign_up, signs_in, who_is_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def browser(ann: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert who_is_in(client) == "ann"
    return client


def leave(client: Client, **form: str):
    return client.post("/settings/leave/", {"password": PASSWORD} | form)


def due(days: int = 15) -> None:
    """So many days pass."""
    Leaving.objects.update(due_at=timezone.now() + datetime.timedelta(days=leaving.DAYS - days))


def test_the_page_says_what_happens_and_asks_for_the_password(browser: Client) -> None:
    page = browser.get("/settings/leave/").content.decode()
    for words in ("for 14 days", "your messages go on both sides", 'type="password"', "for a year"):
        assert words in page
    assert 'href="/settings/leave/"' in browser.get("/settings/export/").content.decode()
    for offered in ("/settings/export/", "/privacy/"):
        assert f'href="{offered}"' in page
        assert browser.get(offered).status_code == 200
    for wrong in ("", "not my password"):
        answer = leave(browser, password=wrong)
        assert answer.status_code == 422
    assert not Leaving.objects.exists()
    assert who_is_in(browser) == "ann"


def test_leaving_hides_at_once_signs_out_everywhere_and_mails_the_way_back(
    browser: Client, ann: User
) -> None:
    kwip = write(ann, "tea")
    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    mail.outbox.clear()  # about a browser that was never seen
    answer = leave(browser)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    date = (timezone.now() + datetime.timedelta(days=14)).strftime("%-d %B %Y")
    assert date in browser.get("/").content.decode()
    assert who_is_in(browser) is who_is_in(elsewhere) is None
    assert Client().get("/ann/").status_code == Client().get(f"/ann/kwip/{kwip.pk}/").status_code == 404
    [sent] = mail.outbox
    assert sent.to == ["ann@example.org"]
    assert date in str(sent.body)
    # A session that is not ended would be signed in again as soon as she comes back.
    assert not any(session.get_decoded().get("_auth_user_id") for session in Session.objects.all())


@pytest.mark.parametrize("way", ["mail", "sign-in"])
def test_coming_back_restores_everything(browser: Client, ann: User, way: str) -> None:
    kwip = write(ann, "#tea")
    before = Client().get("/ann/").content
    leave(browser)
    client = Client()
    if way == "mail":
        path = link_to("ann@example.org")
        page = client.get(path)
        assert page.status_code == 200
        assert not User.objects.get(pk=ann.pk).is_active, "a GET changes nothing: scanners follow links"
    else:
        page = client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
        path = page.content.decode().partition('action="/accounts/back/')[2].partition('"')[0]
        path = f"/accounts/back/{path}"
    assert "come back?" in page.content.decode()
    answer = client.post(path)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert not Leaving.objects.exists()
    assert Kwip.objects.get(pk=kwip.pk).withheld == 0
    assert Client().get("/ann/").content == before
    assert who_is_in(browser) is None, "the old session is over"
    assert signs_in("ann")
    assert client.post(path).status_code == client.get(path).status_code == 410


def test_an_old_link_is_void_after_another_leave(browser: Client, ann: User) -> None:
    leave(browser)
    old = link_to("ann@example.org")
    browser.post(old)
    browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert leave(browser).status_code == 302
    assert Client().post(old).status_code == 410
    assert Client().get("/accounts/back/forged:token:x/").status_code == 410
    assert Leaving.objects.exists()


def test_without_the_password_no_one_learns_of_it(browser: Client, ann: User) -> None:
    def told(login: str, password: str) -> str:
        return Client().post("/accounts/login/", {"login": login, "password": password}).content.decode()

    before = told("ann", "a wrong password").count("don&#x27;t go together")
    leave(browser)
    wrong = told("ann", "another wrong one")
    assert wrong.count("don&#x27;t go together") == before == 1
    assert "come back" not in wrong
    assert "come back" in told("ann@example.org", PASSWORD)


def test_a_suspension_meanwhile_stays(browser: Client, ann: User) -> None:
    leave(browser)
    switch_off(people=[ann], by=None)
    answer = Client().post(link_to("ann@example.org"), follow=True)
    assert "a moderator has put the account to sleep" in answer.content.decode()
    assert not User.objects.get(pk=ann.pk).is_active
    assert not Leaving.objects.exists()
    assert switch_on(people=[ann], by=None)
    assert signs_in("ann")


def test_an_account_without_a_password_types_its_name() -> None:
    cee = User.objects.create_user("cee", "cee@example.org")
    client = Client()
    client.force_login(cee)
    assert 'type="password"' not in client.get("/settings/leave/").content.decode()
    assert client.post("/settings/leave/", {"username": "dee"}).status_code == 422
    assert client.post("/settings/leave/", {"username": "@Cee"}).status_code == 302
    assert Leaving.objects.filter(user=cee).exists()


@pytest.mark.parametrize("rights", [{"is_staff": True, "is_superuser": True}, {"is_staff": True}])
def test_who_runs_the_site_cannot_leave_by_accident(rights: dict[str, bool]) -> None:
    opera = member("opera", **rights)
    client = Client()
    client.force_login(opera)
    answer = leave(client)
    assert answer.status_code == 422
    assert "you run this site" in answer.content.decode()
    with pytest.raises(CommandError, match="take these rights away first"):
        call_command("deleteaccount", "opera", "--yes")
    assert who_is_in(client) == "opera"
    if not rights.get("is_superuser"):
        member("other", is_staff=True)
        assert leave(client).status_code == 302


def test_leaving_again_and_again_is_limited(browser: Client, ann: User, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"leave": "1/1d"}
    leave(browser)
    browser.post(link_to("ann@example.org"))
    browser.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    answer = leave(browser)
    assert (answer.status_code, bool(answer["Retry-After"])) == (429, True)
    assert User.objects.get(pk=ann.pk).is_active


def test_nothing_is_deleted_before_the_day_and_no_one_comes_back_after_it(browser: Client, ann: User) -> None:
    kwip = write(ann, "tea")
    leave(browser)
    path = link_to("ann@example.org")
    due(days=13)
    erasing.erase_due.call()
    assert Kwip.objects.filter(pk=kwip.pk).exists()
    assert Client().get(path).status_code == 200
    due(days=14)
    erasing._begin(ann.pk)
    assert Client().get(path).status_code == Client().post(path).status_code == 410
    Command.objects.all().delete()  # what hides the kwips has run
    erasing.erase_due.call()
    assert not User.objects.filter(pk=ann.pk).exists()
    assert Client().get(path).status_code == 410
    assert "don&#x27;t go together" in Client().post(
        "/accounts/login/", {"login": "ann", "password": PASSWORD}
    ).content.decode()  # fmt: skip


def test_who_is_switched_on_by_an_operator_is_not_deleted(browser: Client, ann: User) -> None:
    leave(browser)
    due()
    row = User.objects.get(pk=ann.pk)
    row.is_active = True  # the admin's form
    row.save()
    erasing.erase_due.call()
    assert User.objects.filter(pk=ann.pk).exists()
    assert not Leaving.objects.exists()


def test_the_name_is_reserved_for_a_year_and_the_address_is_free(browser: Client, ann: User) -> None:
    names.rename(user_id=ann.pk, username="ann_new")
    leave(browser)
    due()
    Command.objects.all().delete()
    erasing.erase_due.call()
    for name in ("ann", "ann_new"):
        assert names.is_taken(name)
        assert "someone has that name" in sign_up(Client(), name, "eve@example.org").content.decode()
        assert Client().get(f"/{name}/").status_code == 404
    other = member("other")
    with pytest.raises(names.NameTaken):
        names.rename(user_id=other.pk, username="ann")
    assert sign_up(Client(), "anew", "ann@example.org").status_code == 302
    assert not EmailAddress.objects.filter(email="ann@example.org").exists()
    for reserved in names.ReservedName.objects.all():
        reserved.kept_until = timezone.now()
        reserved.save()
    assert names.release_names() == 2
    assert not names.is_taken("ann")


def test_a_reserved_name_outlives_a_new_secret_key(settings) -> None:
    names.reserve("ann", until=timezone.now() + names.RESERVED_FOR)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key " * 5
    assert names.is_taken("ann")
    assert not names.is_taken("bob")


def test_the_command_deletes_at_once_and_asks_before(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="nothing was done"):
        call_command("deleteaccount", "ann")
    with pytest.raises(CommandError, match="no such user"):
        call_command("deleteaccount", "nemo", "--yes")
    assert not Leaving.objects.exists()
    monkeypatch.setattr("builtins.input", lambda _: "ann")
    output = io.StringIO()
    call_command("deleteaccount", "@Ann", stdout=output)
    assert f"person {ann.pk}" in output.getvalue()
    row = Leaving.objects.get(user=ann)
    assert leaving.of_person(ann) is None, "there is no way back"
    assert row.due_at <= timezone.now()
    assert Command.objects.filter(task=erasing.erase_due.module_path).count() == 1
