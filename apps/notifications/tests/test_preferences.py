"""The settings of notices: a row a kind, defaults that are not stored, bad input that loses nothing."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.time_zones import zone
from apps.notifications import preferences
from apps.notifications.models import Period, Preferences
from apps.notifications.registry import KINDS, Channel

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/settings/notices/"


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def form(**values: Any) -> dict[str, Any]:
    """The form as the page has it for someone who chose nothing."""
    channels = {f"channel_{kind.name}": kind.channel.value for kind in KINDS.values()}
    return channels | {"digest": "daily", "hour": "8", "time_zone": ""} | values


def checked(page: str) -> dict[str, str]:
    """The checked radio buttons, by kind."""
    found = {}
    for tag in re.findall(r'<input type="radio"[^>]*checked[^>]*>', page):
        name, value = re.search(r'name="channel_(\w+)"', tag), re.search(r'value="(\w+)"', tag)
        assert name and value  # noqa: PT018
        found[name[1]] = value[1]
    return found


def test_the_page_has_a_row_for_each_kind_with_its_default(member: Client) -> None:
    page = member.get(PAGE).content.decode()
    assert checked(page) == {kind.name: kind.channel for kind in KINDS.values()}
    assert page.count("<fieldset") == page.count("<legend") == len(KINDS)
    for kind in KINDS.values():
        assert str(kind.label) in page


def test_what_is_chosen_is_stored_and_shown_and_defaults_are_not_stored(member: Client, ann: User) -> None:
    chosen = form(channel_follow="mail", channel_comment="none", digest="weekly", hour="20")
    answer = member.post(PAGE, chosen | {"time_zone": "Europe/Berlin"})
    assert answer["Location"] == PAGE
    row = Preferences.objects.get(user=ann)
    assert row.channels == {"follow": "mail", "comment": "none"}
    assert (row.digest, row.hour, row.time_zone) == (Period.WEEKLY, 20, "Europe/Berlin")
    page = member.get(PAGE).content.decode()
    assert checked(page)["follow"] == "mail"
    assert '<option value="Europe/Berlin" selected>' in page
    member.post(PAGE, form())
    assert not Preferences.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel_follow", "sent"), ("channel_follow", "pigeon"), ("channel_follow", ""),
        ("digest", "hourly"), ("hour", "24"), ("hour", "-1"), ("hour", "x"),
        ("time_zone", "../etc/passwd"), ("time_zone", "Mars/Base"), ("time_zone", "x" * 5_000),
        ("time_zone", "UTC\0"),
    ],
)  # fmt: skip
def test_bad_input_gets_an_error_beside_its_field_and_loses_nothing(
    member: Client, field: str, value: str
) -> None:
    answer = member.post(PAGE, form(channel_mention="none") | {field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert checked(answer.content.decode())["mention"] == "none"
    assert "errorlist" in answer.content.decode()
    assert not Preferences.objects.exists()


def test_a_form_of_an_earlier_release_without_a_kind_is_refused_not_guessed(member: Client) -> None:
    sent = form()
    del sent["channel_follow"]
    assert member.post(PAGE, sent).status_code == 422


def test_kinds_and_zones_that_this_release_does_not_know_are_kept(member: Client, ann: User) -> None:
    Preferences.objects.create(user=ann, channels={"of_the_future": "none"}, time_zone="Etc/GMT+3")
    assert '<option value="Etc/GMT+3" selected>' in member.get(PAGE).content.decode()
    member.post(PAGE, form(time_zone="Etc/GMT+3", channel_follow="site"))
    row = Preferences.objects.get(user=ann)
    assert row.channels == {"of_the_future": "none", "follow": "site"}
    assert zone("of/the/future").key == "UTC"


def test_changes_are_limited_and_the_input_is_kept(member: Client, settings: LazySettings) -> None:
    settings.LIMITS = settings.LIMITS | {"profile": "1/1h"}
    assert member.post(PAGE, form()).status_code == 302
    answer = member.post(PAGE, form(channel_follow="mail"))
    assert answer.status_code == 429
    assert checked(answer.content.decode())["follow"] == "mail"


def test_the_page_is_for_members_and_takes_few_queries(member: Client) -> None:
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")
    assert Client().post(PAGE, form()).status_code == 403
    member.get(PAGE)
    with CaptureQueriesContext(connection) as captured:
        member.get(PAGE)
    assert len(captured) <= 2


def test_the_settings_lead_there(member: Client) -> None:
    for path in ("/settings/", "/notifications/"):
        assert f'href="{PAGE}"' in member.get(path).content.decode()


def test_a_lower_channel_is_not_raised(ann: User) -> None:
    preferences.limit_channel(user=ann, kind="comment", most=Channel.DIGEST)
    preferences.limit_channel(user=ann, kind="favourite", most=Channel.DIGEST)
    preferences.limit_channel(user=ann, kind="unknown", most=Channel.NONE)
    assert preferences.of(ann).channels == {"comment": "digest"}


def test_preferences_go_with_their_person(ann: User) -> None:
    preferences.set_time_zone(user=ann, time_zone="Europe/Berlin")
    ann.delete()
    assert not Preferences.objects.exists()
