"""The limits of new accounts: links, and mentions of people who do not follow the author."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import invitations, sign_ups
from apps.accounts.models import Application, User
from apps.accounts.new_accounts import is_new
from apps.graph.actions import follow
from apps.kwips import new_accounts
from apps.kwips.models import Kwip
from apps.limits import Decision
from apps.limits.tests.clock import let_pass
from apps.policy.models import SignUpMode, SitePolicy
from apps.policy.queries import current

pytestmark = pytest.mark.django_db

LINKS = "see https://a.example/ and https://b.example/ and https://c.example/"


@pytest.fixture(autouse=True)
def two(settings) -> None:
    two_a_day = {"new_account_links": "2/1d", "new_account_mentions": "2/1d", "publish": "2/10m"}
    settings.LIMITS = settings.LIMITS | two_a_day


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


@pytest.fixture
def others(ann: User) -> list[User]:
    return [User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee", "eve")]


def post(client: Client, text: str, address: str = "/kwip/", **fields: object):
    return client.post(address, {"text": text, "form_key": str(uuid.uuid4())} | fields)


def asked(person: User, text: str, **options) -> bool:
    return bool(new_accounts.ask(Decision(), person, text, **options))


def age(person: User, **span: float) -> User:
    person.joined_at = timezone.now() - timedelta(**span)
    person.save()
    return person


def test_a_new_account_posts_so_many_links_a_day_and_gets_its_text_back(member: Client) -> None:
    refused = post(member, LINKS)
    assert refused.status_code == 429
    page = refused.content.decode()
    assert "room for 2 links a day" in page
    assert LINKS in page, "the text is kept"
    assert int(refused["Retry-After"]) > 80_000
    assert not Kwip.objects.exists()
    assert post(member, LINKS.replace("https://c", "c")).status_code == 302, "nothing was counted before"
    assert post(member, "one https://d.example/ more").status_code == 429
    assert post(member, "none").status_code == 302, "the refused ones did not count as published"
    let_pass(86_401)
    assert post(member, "one https://d.example/ more").status_code == 302


def test_mentions_of_followers_and_of_those_one_answers_do_not_count(
    member: Client, ann: User, bob: User, others: list[User], publish, comment
) -> None:
    follow(follower=others[0], followee=ann)
    assert asked(ann, "@cee @dee @ann @unknown_name"), "one of four"
    thread = publish(bob, "let's talk")
    answer = comment(others[1], thread, "of what?")
    address = f"/kwip/{thread.pk}/comment/"
    for _ in range(3):
        assert post(member, "@bob @dee so do i", address, answers=answer.pk).status_code == 302
    refused = post(member, "@eve @dee here", address)
    assert refused.status_code == 429
    assert "mention 2 people a day" in refused.content.decode()


def test_an_edit_counts_what_it_adds(member: Client, ann: User, publish) -> None:
    kwip = publish(ann, LINKS)
    edit = f"/kwip/{kwip.pk}/edit/"
    assert post(member, f"{LINKS} and https://d.example/ https://e.example/", edit).status_code == 302
    refused = post(member, f"{LINKS} and https://f.example/", edit)
    assert refused.status_code == 429
    assert "https://f.example/" in refused.content.decode()


def test_a_form_that_is_sent_twice_counts_once(member: Client) -> None:
    key = str(uuid.uuid4())
    for _ in range(3):
        assert post(member, "https://a.example/ https://b.example/", form_key=key).status_code == 302
    assert Kwip.objects.count() == 1


def test_an_account_is_new_for_the_hours_of_the_policy(ann: User) -> None:
    assert is_new(ann)
    assert not asked(ann, LINKS)
    assert is_new(age(ann, hours=23))
    assert not is_new(age(ann, hours=25))
    SitePolicy(new_account_hours=48).save()
    assert is_new(ann)
    SitePolicy(new_account_hours=0).save()
    assert not is_new(age(ann, hours=0))
    assert asked(ann, LINKS)


def test_who_was_invited_or_accepted_is_not_limited(ann: User) -> None:
    def joins(name: str, invitation_id: int | None = None) -> User | Application:
        email = f"{name}@example.org"
        asked = sign_ups.create(username=name, email=email, password="!", invitation_id=invitation_id)
        return sign_ups.complete(asked)

    alone = joins("cee")
    assert isinstance(alone, User)
    assert is_new(alone)
    invitation = invitations.by_token(invitations.invite(inviter=ann, note="", form_key=uuid.uuid4()))
    assert invitation is not None
    invited = joins("dee", invitation.pk)
    assert isinstance(invited, User)
    assert not is_new(invited)
    SitePolicy(sign_up=SignUpMode.APPROVAL).save()
    accepted = sign_ups.accept(joins("eve").pk, by=ann)
    assert accepted is not None
    assert not is_new(accepted)
    assert not is_new(User(username="ops", is_staff=True, joined_at=timezone.now()))


def test_other_accounts_cost_no_query(ann: User, others: list[User]) -> None:
    age(ann, days=2)._policy = current()  # a request's user has it
    with CaptureQueriesContext(connection) as captured:
        assert asked(ann, f"{LINKS} @cee @dee @eve")
    assert len(captured) == 0


def test_under_attack_a_new_account_writes_little_for_a_week(
    member: Client, ann: User, others, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {
        "publish": "60/10m", "attack_texts": "3/1d", "attack_links": "1/1d", "attack_mentions": "1/1d"
    }  # fmt: skip
    age(ann, days=6)
    assert asked(ann, "https://a.example/ https://b.example/")
    SitePolicy(attack_until=timezone.now() + timedelta(hours=1)).save()
    ann = User.objects.get(pk=ann.pk)
    refused = post(member, "see https://a.example/ and https://b.example/")
    assert refused.status_code == 429
    assert "https://b.example/" in refused.content.decode()
    assert not asked(ann, "@cee @dee")
    assert [asked(ann, f"tea {number}") for number in range(4)] == [True, True, True, False]
    assert "writes 3 times a day" in new_accounts.ask(Decision(), ann, "tea").message
    assert asked(ann, "tea again", before="tea"), "an edit is no further text"
    assert asked(User(pk=ann.pk, joined_at=ann.joined_at, is_vouched=True), "tea")
    SitePolicy(attack_until=timezone.now() - timedelta(seconds=1)).save()
    assert asked(User.objects.get(pk=ann.pk), "tea"), "it ended by itself"
