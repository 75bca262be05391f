"""The policy: read from the cache, exact after a change; the announcement on every page until its end."""

import datetime
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.commandqueue.models import Command
from apps.policy import queries, tasks
from apps.policy.models import SignUpMode, SitePolicy

pytestmark = pytest.mark.django_db(transaction=True)

LINE = "tea at four, see https://example.org/tea <b>now</b>"


def in_(**span: float) -> datetime.datetime:
    return timezone.now() + datetime.timedelta(**span)


def announce(until: datetime.datetime, line: str = LINE) -> None:
    SitePolicy(announcement=line, announcement_until=until).save()


def shown(client: Client, path: str = "/about/") -> bool:
    return 'class="announcement"' in client.get(path).content.decode()


@pytest.fixture
def member(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("ann", "ann@example.org"))
    return client


def test_without_a_row_sign_up_is_open_and_nothing_is_announced() -> None:
    assert queries.current() == queries.Policy(SignUpMode.OPEN, "", "", None, "")


@pytest.mark.usefixtures("memcached")
def test_a_change_is_read_after_its_commit_and_a_read_costs_no_query() -> None:
    assert queries.current().sign_up == SignUpMode.OPEN
    with transaction.atomic():
        SitePolicy(sign_up=SignUpMode.CLOSED).save()
    assert queries.current().sign_up == SignUpMode.CLOSED
    with CaptureQueriesContext(connection) as captured:
        assert queries.current().sign_up == SignUpMode.CLOSED
    assert len(captured) == 0


def test_there_is_one_row_and_an_announcement_has_an_end() -> None:
    for broken in (SitePolicy(pk=2), SitePolicy(announcement="tea")):
        with pytest.raises(IntegrityError), transaction.atomic():
            broken.save()
    with pytest.raises(ValidationError):
        SitePolicy(announcement="tea").full_clean()


@pytest.mark.parametrize("path", ["/", "/everyone/", "/about/", "/contact/", "/accounts/login/", "/nothing/"])
def test_every_page_has_the_announcement_escaped_and_with_links(member: Client, path: str) -> None:
    announce(in_(hours=1))
    for client in (Client(), member):
        page = client.get(path, follow=True).content.decode()
        assert 'href="https://example.org/tea"' in page
        assert "&lt;b&gt;now&lt;/b&gt;" in page
        assert "<b>now" not in page


def test_an_announcement_that_changes_or_ends_is_gone_from_members_pages(
    member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not shown(member)
    announce(in_(hours=1))
    assert shown(member)
    later = in_(hours=1, seconds=1)
    monkeypatch.setattr(queries.timezone, "now", lambda: later)
    assert not shown(member), "at the end, whatever is cached"
    monkeypatch.undo()
    announce(in_(hours=1), "")
    assert not shown(member)


def test_the_end_purges_the_public_pages_by_a_command_that_waits_for_it() -> None:
    until = in_(hours=1)
    announce(until)
    [command] = Command.objects.filter(task=tasks.end_announcement.module_path)
    assert command.run_after == until + tasks.MARGIN
    SitePolicy(announcement=LINE, announcement_until=until, sign_up=SignUpMode.CLOSED).save()
    assert Command.objects.filter(task=tasks.end_announcement.module_path).count() == 1, "only for a new line"


@pytest.mark.usefixtures("memcached")
def test_public_pages_gain_and_lose_the_announcement_exactly(
    monkeypatch: pytest.MonkeyPatch, cached_site: Callable[[str], str]
) -> None:
    for _ in range(3):  # stored on its second request
        assert "tea at four" not in cached_site("/about/")
    announce(in_(hours=1))
    for _ in range(3):
        assert "tea at four" in cached_site("/about/")
    later = in_(hours=1, seconds=1)
    monkeypatch.setattr(queries.timezone, "now", lambda: later)
    assert "tea at four" in cached_site("/about/"), "stored, until the command runs"
    tasks.end_announcement.call()
    assert "tea at four" not in cached_site("/about/")


def test_the_operator_edits_the_policy_in_the_admin(client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org"))
    address = client.get("/admin/policy/sitepolicy/")["Location"]
    assert client.get(address).status_code == 200
    assert not SitePolicy.objects.exists(), "looking changes nothing"
    form = {"sign_up": "closed", "announcement": " tea  at four", "_save": "save", "new_account_hours": "24"}
    form["attack_sign_up"] = "approval"
    assert client.post(address, form).status_code == 200, "an announcement without an end"
    until = {"announcement_until_0": "2100-01-01", "announcement_until_1": "12:00:00"}
    assert client.post(address, form | until).status_code == 302
    assert queries.current()[:2] == ("closed", "tea at four")
    assert (
        client.post(
            address,
            {"sign_up": "open", "new_account_hours": "0", "attack_sign_up": "approval", "_save": "save"},
        ).status_code
        == 302
    )
    assert queries.current()[:2] == ("open", "")
    assert queries.current().new_account_hours == 0


def test_one_is_away_until_the_end() -> None:
    assert not queries.current().is_away
    SitePolicy(away_until=in_(hours=1)).save()
    assert queries.current().is_away
    SitePolicy(away_until=in_(hours=-1)).save()
    assert not queries.current().is_away
