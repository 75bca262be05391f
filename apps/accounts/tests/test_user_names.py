"""User names: their shape, and the reserved names."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import get_resolver

from apps.accounts.models import User
from apps.accounts.validators import reserved_names

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["ann", "a_b", "0_0", "x" * 30])
def test_a_user_name_is_valid(name: str) -> None:
    assert User.objects.create_user(name, f"{name}@example.org").username == name


@pytest.mark.parametrize("name", ["ab", "x" * 31, "an n", "änn", "a-b", "ann\n", "٣٣٣", "", "a.b", "ann/"])
def test_a_user_name_is_invalid(name: str) -> None:
    with pytest.raises(ValidationError):
        User.objects.create_user(name, "ann@example.org")


def test_a_database_constraint_rejects_an_invalid_name() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User(username="Ann", email="ann@example.org").save()


def test_names_and_addresses_are_taken_in_any_case() -> None:
    User.objects.create_user("ann", "ann@example.org")
    with pytest.raises(ValidationError):
        User.objects.create_user("ANN", "other@example.org")
    with pytest.raises(ValidationError):
        User.objects.create_user("anna", "Ann@Example.org")


def test_every_first_path_segment_is_reserved() -> None:
    words = {
        "everyone", "kwip", "tag", "search", "people", "notifications", "messages", "settings", "accounts",
        "contact", "about", "admin", "api", "media", "static", "livez", "readyz", "metrics", ".well-known",
        "robots.txt",
    }  # fmt: skip
    assert words <= reserved_names()


def test_an_unreserved_name_leads_to_a_profile_only() -> None:
    """No URL of the site has a first segment that a user can register."""
    found: set[str] = set()
    for pattern in get_resolver().reverse_dict.values():  # every route of the map, included ones too
        found |= (
            {str(route[0]).split("/")[0] for route in pattern[0]} if isinstance(pattern[0], list) else set()
        )
    literal = {word for word in found if word and "%" not in word}
    assert {"everyone", "kwip", "accounts", "settings"} <= literal
    assert literal <= reserved_names()


# Names that suggest an official account.
OFFICIAL = [
    "security", "abuse", "help", "postmaster", "webmaster", "noreply", "official", "root", "admin", "support",
    "hostmaster", "kwippy_support", "official_kwippy", "supportteam", "the_admins", "teahouse",
    "teahouse_help",
]  # fmt: skip


# First path segments of the planned client API and of ActivityPub.
PLANNED = [
    "users", "actor", "inbox", "outbox", "nodeinfo", "oauth", "authorize_interaction", "share", "activities",
    "avatars", "headers", "web", "explore", "statuses", "auth", "app", "apps", "api",
]  # fmt: skip


@pytest.mark.parametrize("name", ["everyone", "Admin", "static", "kwippy", "welcome", *PLANNED, *OFFICIAL])
def test_signing_up_under_a_reserved_word_is_refused_beside_the_field(
    client: Client, settings, name: str
) -> None:
    settings.SITE_NAME = "Tea House"
    answer = client.post(
        "/accounts/signup/",
        {
            "username": name,
            "email": "ann@example.org",
            "password1": "correct horse",
            "password2": "correct horse",
        },
    )
    assert "that name is kept by the site" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["kwippy", "Kwippy", "Kwippy Support", "KWIPPY-TEAM", "the official Kwippy", "Ｓｕｐｐｏｒｔ", "Admin",
     "Tea House", "TeaHouse Help", "Security", "kwippy_moderators"],
)  # fmt: skip
def test_a_display_name_must_not_look_official(client: Client, ann: User, settings, name: str) -> None:
    settings.SITE_NAME = "Tea House"
    client.force_login(ann)
    page = client.post("/settings/", {"display_name": name, "bio": "tea"})
    assert page.status_code == 422
    assert "the site itself speaking" in page.content.decode()
    User.objects.update(display_name=name)  # stored by an earlier release
    assert client.post("/settings/", {"display_name": name, "bio": "tea"}).status_code == 302


@pytest.mark.parametrize(
    "name",
    ["Ann", "Kwippy fan", "Ruth Root", "Desk", "The Team", "Helper Bee", "Adminah", "Tea", "日本語", "1234"],
)
def test_other_display_names_are_accepted(client: Client, ann: User, settings, name: str) -> None:
    settings.SITE_NAME = "Tea House"
    client.force_login(ann)
    assert client.post("/settings/", {"display_name": name, "bio": ""}).status_code == 302
    ann.refresh_from_db()
    assert ann.display_name == name
