"""Invitations: made, bounded, shown once, taken once; who invited whom; every mode."""

import datetime
import re
import uuid
from functools import partial

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client

from apps.accounts import invitations, sign_ups
from apps.accounts.actions import switch_off
from apps.accounts.models import NOTE_LIMIT, Application, Invitation, SignUp, User
from apps.graph import actions as graph
from apps.graph.queries import followed_among
from kwippy.observability.request_log import without_secrets
from kwippy.tasks import sweep_sign_ups
from tests.pages.test_sign_up_modes import APPROVAL, CLOSED, INVITATION, OPEN, set_mode
from tests.support.concurrency import at_once
from tests.support.people import link_to, member, sign_up, who_is_in

pytestmark = pytest.mark.django_db

NOTE = "come, there is tea :)\n<b>bring</b> cups"


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def anns(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def make(client: Client, note: str = NOTE, key: str = ""):
    return client.post("/invitations/", {"note": note, "form_key": key or str(uuid.uuid4())})


def link_in(answer) -> str:
    found = re.search(r'value="https?://[^/]+(/invitation/\w+/)"', answer.content.decode())
    assert found
    return found[1]


def join(link: str, name: str = "eve") -> Client:
    """Follows the link, signs up, and follows the link of the mail."""
    client = Client()
    assert client.post(link)["Location"] == "/accounts/signup/"
    sign_up(client, name, f"{name}@example.org")
    client.get(link_to(f"{name}@example.org"))
    return client


@pytest.mark.parametrize("mode", [OPEN, INVITATION, APPROVAL])
def test_the_invited_sees_who_invites_joins_at_once_and_both_follow_each_other(
    anns: Client, ann: User, mode: str
) -> None:
    set_mode(mode)
    link = link_in(make(anns))
    page = Client().get(link).content.decode()
    assert "@ann" in page
    assert "&lt;b&gt;bring&lt;/b&gt;" in page
    client = Client()
    client.post(link)
    form = client.get("/accounts/signup/").content.decode()
    assert "invites you" in form
    assert "a few words about you" not in form, "an invitation needs none"
    assert who_is_in(join(link)) == "eve"
    eve = User.objects.get(username="eve")
    assert followed_among(eve.pk, [ann.pk])
    assert followed_among(ann.pk, [eve.pk])
    assert Invitation.objects.get().taken_by == eve
    assert "@eve" in anns.get("/invitations/").content.decode()


def test_while_sign_up_is_closed_an_invitation_opens_nothing(anns: Client) -> None:
    link = link_in(make(anns))
    set_mode(CLOSED)
    assert "closed for a while" in Client().get(link).content.decode()
    client = Client()
    client.post(link)
    assert sign_up(client, "eve", "eve@example.org").status_code == 403
    assert not SignUp.objects.exists()


def test_looking_at_an_invitation_changes_nothing(anns: Client) -> None:
    link = link_in(make(anns))
    for method in ("get", "head"):
        client = Client()
        assert getattr(client, method)(link).status_code == 200
        assert "sessionid" not in client.cookies
    assert "no-store" in Client().get(link)["Cache-Control"]


def test_the_token_is_stored_as_a_hash_and_never_logged(anns: Client) -> None:
    link = link_in(make(anns))
    token = link.split("/")[2]
    stored = Invitation.objects.values_list().get()
    assert token not in str(stored)
    assert without_secrets(link) == "/invitation/…"


def test_a_form_that_is_sent_twice_makes_one_invitation_and_shows_its_link_again(anns: Client) -> None:
    key = str(uuid.uuid4())
    assert link_in(make(anns, key=key)) == link_in(make(anns, key=key))
    assert Invitation.objects.count() == 1
    assert "/invitation/" not in anns.get("/invitations/").content.decode().replace("/invitations/", "")


def test_the_number_of_open_invitations_is_bounded_and_the_note_stays(anns: Client, settings) -> None:
    settings.INVITATIONS_OPEN = 2
    links = [link_in(make(anns)) for _ in range(2)]
    answer = make(anns)
    assert answer.status_code == 422
    assert "&lt;b&gt;bring" in answer.content.decode()
    join(links[0])
    link_in(make(anns))
    oldest = Invitation.objects.filter(taken_by=None).earliest("pk")
    anns.post(f"/invitations/{oldest.pk}/revoke/")
    link_in(make(anns))
    settings.INVITATIONS_OPEN = 0
    assert "nobody can be invited" in anns.get("/invitations/").content.decode()
    assert Client().get(links[1]).status_code == 404


def test_too_long_a_note_comes_back_whole(anns: Client) -> None:
    answer = make(anns, "x" * (NOTE_LIMIT + 1))
    assert answer.status_code == 422
    assert "x" * (NOTE_LIMIT + 1) in answer.content.decode()
    assert not Invitation.objects.exists()


def test_invitations_are_made_at_a_pace(anns: Client, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"invite": "1/1d"}
    make(anns)
    answer = make(anns)
    assert answer.status_code == 429
    assert "&lt;b&gt;bring" in answer.content.decode()


def test_only_its_maker_takes_an_invitation_back(anns: Client) -> None:
    link = link_in(make(anns))
    mallory = Client()
    mallory.force_login(member("mallory"))
    mallory.post(f"/invitations/{Invitation.objects.get().pk}/revoke/")
    assert Client().get(link).status_code == 200
    anns.post(f"/invitations/{Invitation.objects.get().pk}/revoke/")
    assert Client().get(link).status_code == 404


def expired() -> None:
    Invitation.objects.update(expires_at=F("expires_at") - datetime.timedelta(days=15))


def revoked() -> None:
    Invitation.objects.all().delete()


def taken() -> None:
    Invitation.objects.update(taken_by=member("zoe"))


def inviter_off() -> None:
    switch_off(people=[User.objects.get(username="ann")], by=None)


@pytest.mark.parametrize("ending", [expired, revoked, taken, inviter_off])
def test_an_invitation_that_ended_before_the_confirmation_counts_no_more(anns: Client, ending) -> None:
    set_mode(INVITATION)
    client = Client()
    client.post(link_in(make(anns)))
    sign_up(client, "eve", "eve@example.org")
    ending()
    assert client.get(link_to("eve@example.org")).status_code == 403
    assert not User.objects.filter(username="eve").exists()
    set_mode(APPROVAL)
    client.get(link_to("eve@example.org"))
    assert Application.objects.get().username == "eve", "waits like all others"


def test_expired_invitations_are_swept_and_taken_ones_stay(anns: Client) -> None:
    join(link_in(make(anns)))
    make(anns)
    expired()
    sweep_sign_ups.call()
    assert [row.taken_by.username for row in Invitation.objects.all() if row.taken_by] == ["eve"]


def test_a_changed_address_is_still_invited(anns: Client, ann: User) -> None:
    set_mode(INVITATION)
    client = Client()
    client.post(link_in(make(anns)))
    sign_up(client, "eve", "eve@exmaple.org")
    client.post("/accounts/confirm-email/change/", {"email": "eve@example.org"})
    client.get(link_to("eve@example.org"))
    assert Invitation.objects.get().taken_by == User.objects.get(username="eve")


def test_an_inviter_who_follows_as_many_as_allowed_is_followed_all_the_same(
    anns: Client, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "FOLLOWING_LIMIT", 1)
    graph.follow(follower=ann, followee=member("bob"))
    join(link_in(make(anns)))
    eve = User.objects.get(username="eve")
    assert followed_among(eve.pk, [ann.pk])
    assert not followed_among(ann.pk, [eve.pk])


def test_who_was_invited_is_forgotten_with_either_person(anns: Client, ann: User) -> None:
    join(link_in(make(anns)))
    make(anns)
    User.objects.get(username="eve").delete()
    assert Invitation.objects.filter(taken_by=None).count() == 1
    ann.delete()
    assert not Invitation.objects.exists()


def test_operators_see_who_invited_whom_and_neither_notes_nor_tokens(anns: Client) -> None:
    join(link_in(make(anns)))
    operator = Client()
    operator.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    invitation = Invitation.objects.get()
    for path in ("", "?q=eve", f"{invitation.pk}/change/"):
        page = operator.get(f"/admin/accounts/invitation/{path}").content.decode()
        assert "ann" in page
        assert "eve" in page
        assert "tea :)" not in page
        assert invitation.token_hash not in page
    assert (
        operator.post(f"/admin/accounts/invitation/{invitation.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )


@pytest.mark.asvs("2.3.4")
@pytest.mark.django_db(transaction=True)
def test_one_invitation_lets_one_person_in_however_many_confirm_at_once(ann: User) -> None:
    set_mode(INVITATION)
    token = invitations.invite(inviter=ann, note="", form_key=uuid.uuid4())
    invitation = invitations.by_token(token)
    assert invitation is not None
    rows = [
        sign_ups.create(
            username=f"eve{n}", email=f"eve{n}@example.org", password="!", invitation_id=invitation.pk
        )
        for n in range(6)
    ]

    def joins(row: SignUp) -> bool:
        try:
            return isinstance(sign_ups.complete(row), User)
        except sign_ups.NotAdmitted:
            return False

    assert sum(at_once([partial(joins, row) for row in rows])) == 1
    ann.refresh_from_db()
    assert (ann.followers_count, ann.following_count) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_invitations_made_at_once_stay_within_the_bound(ann: User, settings) -> None:
    settings.INVITATIONS_OPEN = 2

    def makes() -> bool:
        try:
            return bool(invitations.invite(inviter=ann, note="", form_key=uuid.uuid4()))
        except invitations.TooMany:
            return False

    assert sum(at_once([makes] * 8)) == 2
    assert mail.outbox == []
