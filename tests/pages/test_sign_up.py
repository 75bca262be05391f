"""Sign-up and confirmation, with browsers and mailboxes."""

import datetime
import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db.models import F
from django.test import Client

from apps.accounts import queries, sign_ups
from apps.accounts.models import SignUp, User
from apps.graph.actions import follow
from apps.kwips.models import Kwip
from apps.limits.tests.clock import let_pass
from kwippy.tasks import sweep_sign_ups
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, link_to, member, sign_up, signs_in, who_is_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


OWNER, ATTACKER = "the owner's horse", "the attacker's horse"


def days_pass(days: float) -> None:
    SignUp.objects.update(asked_at=F("asked_at") - datetime.timedelta(days=days))


def page_of(answer) -> str:
    """A page without the values that differ in each response."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


@pytest.mark.asvs("6.6.2")
def test_the_link_signs_in_the_browser_that_signed_up_and_leads_to_the_welcome(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    answer = client.get(link_to("eve@example.org"))
    assert answer["Location"] == "/welcome/"
    assert who_is_in(client) == "eve"
    page = client.get("/welcome/").content.decode()
    assert "welcome, @eve" in page
    assert "good to see you" not in page, "one greeting is enough"
    assert 'action="/kwip/"' in page
    assert EmailAddress.objects.get().verified
    assert client.session.get_expiry_age() > datetime.timedelta(days=29).total_seconds()


def test_the_welcome_leads_back_to_the_page_that_the_sign_up_came_from(client: Client) -> None:
    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    for onward, shown in (
        ("/ann/kwip/7/", True),
        ("https://evil.example/", False),
        ("//evil.example/", False),
        ("/tag/" + "x" * 2_000 + "/", False),
    ):
        client = Client()
        client.post("/accounts/signup/", form | {"next": onward})
        page = client.get(link_to("eve@example.org"), follow=True).content.decode()
        assert (f'href="{onward}"' in page) is shown
        User.objects.all().delete()


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_program_that_follows_the_links_in_mail_confirms_nothing(client: Client, method: str) -> None:
    sign_up(client, "eve", "eve@example.org")
    scanner = Client()
    assert getattr(scanner, method)(link_to("eve@example.org")).status_code == 200
    assert who_is_in(scanner) is None
    assert not User.objects.exists()
    client.head(link_to("eve@example.org"))
    assert not User.objects.exists()
    client.get(link_to("eve@example.org"))
    assert who_is_in(client) == "eve"


def test_another_browser_is_asked_for_the_password(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    link, phone = link_to("eve@example.org"), Client()
    assert "not in this browser" in phone.get(link).content.decode()
    wrong = phone.post(link, {"password": "another horse"})
    assert wrong.status_code == 422
    assert not User.objects.exists()
    assert phone.post(link, {"password": PASSWORD})["Location"] == "/welcome/"
    assert who_is_in(phone) == "eve"
    assert "happened in another browser" in client.get("/accounts/confirm-email/").content.decode()


def test_guessing_the_password_below_a_link_is_limited(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    phone = Client()
    pages = [
        phone.post(link_to("eve@example.org"), {"password": f"guess {n}"}).content.decode() for n in range(6)
    ]
    assert "too many wrong passwords" not in pages[4]
    assert "too many wrong passwords" in pages[5]
    assert "too many" in phone.post(link_to("eve@example.org"), {"password": PASSWORD}).content.decode()


def test_signing_in_before_confirming_sends_the_link_and_makes_this_the_browser_for_it(
    client: Client,
) -> None:
    sign_up(client, "eve", "eve@example.org")
    let_pass(61)
    phone = Client()
    answer = phone.post("/accounts/login/", {"login": "eve@example.org", "password": PASSWORD})
    assert answer["Location"] == "/accounts/confirm-email/"
    assert len(mail.outbox) == 2
    phone.get(link_to("eve@example.org"))
    assert who_is_in(phone) == "eve"


@pytest.mark.parametrize("owner_comes", ["second", "first"])
@pytest.mark.parametrize("browser", ["the one that signed up", "another"])
def test_nothing_that_an_attacker_set_survives_the_owners_confirmation(
    owner_comes: str, browser: str
) -> None:
    attacker, owner = Client(), Client()
    signing_up = [
        lambda: sign_up(attacker, "squatter", "owner@example.org", ATTACKER),
        lambda: sign_up(owner, "owner", "owner@example.org", OWNER),
    ]
    for act in signing_up if owner_comes == "second" else reversed(signing_up):
        act()
    assert len(mail.outbox) == 2, "the second mail is sent, whatever the pace"
    where = owner if browser == "the one that signed up" else Client()
    links = re.findall(r"https?://[^/\s]+(/accounts/\S+)", "\n".join(str(sent.body) for sent in mail.outbox))
    assert len(links) == 2
    for link in links:
        where.get(link)
        where.post(link, {"password": OWNER})
    assert not User.objects.filter(username="squatter").exists()
    assert not signs_in("squatter", ATTACKER)
    assert not signs_in("owner@example.org", ATTACKER)
    if owner_comes == "second":
        assert signs_in("owner", OWNER)
        assert signs_in("owner@example.org", OWNER)
    else:
        assert not User.objects.exists(), "the attacker's came last, and its password is not known here"
        sign_up(owner, "owner", "owner@example.org", OWNER)
        owner.get(link_to("owner@example.org"))
        assert signs_in("owner", OWNER)


def test_a_second_sign_up_replaces_name_password_and_link(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org", ATTACKER)
    first = link_to("eve@example.org")
    sign_up(client, "eva", "Eve@Example.org", OWNER)
    assert "run out" in client.get(first).content.decode()
    sign_up(Client(), "eve", "other@example.org")
    assert SignUp.objects.filter(username="eve", email="other@example.org").exists(), "the name is free again"
    client.get(link_to("eve@example.org"))
    assert who_is_in(client) == "eva"


def test_a_sign_up_has_no_page_and_can_not_be_mentioned(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    assert Client().get("/eve/").status_code == 404
    assert Client().get("/eve/feed.atom").status_code == 404
    assert queries.ids_of({"eve"}) == set()


@pytest.mark.asvs("6.4.1")
def test_a_name_and_an_address_are_held_for_three_days_and_no_longer(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    assert "someone has that name already" in sign_up(Client(), "eve", "bob@example.org").content.decode()
    days_pass(3.01)
    assert "run out" in client.get(link_to("eve@example.org")).content.decode()
    assert sign_up(Client(), "eve", "bob@example.org").status_code == 302, "with no sweep at all"
    sign_up(client, "cee", "cee@example.org")
    client.get(link_to("cee@example.org"))
    sign_up(Client(), "dee", "dee@example.org")
    days_pass(3.01)
    sign_up(Client(), "fay", "fay@example.org")
    sweep_sign_ups.call()
    assert [row.username for row in SignUp.objects.all()] == ["fay"]
    assert User.objects.get().username == "cee", "a confirmed one stays"


def test_a_sweep_takes_as_many_batches_as_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ups, "_BATCH", 2)
    for n in range(5):
        sign_ups.create(username=f"eve{n}", email=f"eve{n}@example.org", password="!")
    days_pass(4)
    assert sweep_sign_ups.call() == 5


def legacy(name: str, **fields: object) -> User:
    """A user of a former release that has not confirmed the address."""
    user = User.objects.create_user(name, f"{name}@example.org", ATTACKER)
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    User.objects.filter(pk=user.pk).update(**fields)
    return user


def test_unconfirmed_users_of_a_former_release_have_no_page_and_go_with_all_that_is_theirs(ann: User) -> None:
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=4)
    users = [legacy(name, joined_at=old) for name in ("old1", "old2", "old3")]
    legacy("fresh")
    legacy("clerk", joined_at=old, is_staff=True)
    member("bob")
    made = User.objects.create_user("made", "made@example.org", PASSWORD)
    assert not signs_in("made"), "an operator made this one; now it waits for the address to be confirmed"
    User.objects.filter(username__in=("bob", "made")).update(joined_at=old)
    for user in users:
        follow(follower=ann, followee=user)
    assert Client().get("/old1/").status_code == Client().get("/fresh/").status_code == 404
    assert queries.ids_of({"old1", "fresh"}) == set()
    assert sweep_sign_ups.call() == 3
    assert {user.username for user in User.objects.all()} == {"ann", "bob", "clerk", "fresh", "made"}
    assert not EmailAddress.objects.get(user=made).verified
    ann.refresh_from_db()
    assert ann.following_count == 0


def test_the_owner_joins_past_an_unconfirmed_user_of_a_former_release(client: Client) -> None:
    legacy("old")
    sign_up(client, "owner", "old@example.org", OWNER)
    client.get(link_to("old@example.org"))
    assert who_is_in(client) == "owner"
    assert signs_in("old@example.org", OWNER)
    assert not signs_in("old", ATTACKER)
    assert not signs_in("old@example.org", ATTACKER)


def test_the_link_of_an_unconfirmed_user_of_a_former_release_asks_for_the_password(client: Client) -> None:
    user = legacy("old")
    Client().post("/accounts/login/", {"login": "old", "password": ATTACKER})
    link = link_to("old@example.org")
    client.get(link)
    client.post(link, {"password": OWNER})
    assert not EmailAddress.objects.get(user=user).verified
    client.post(link, {"password": ATTACKER})
    assert who_is_in(client) == "old"


def test_a_member_who_asked_for_an_address_does_not_keep_its_owner_from_joining(ann: User) -> None:
    EmailAddress.objects.create(user=ann, email="owner@example.org", verified=False)
    owner = Client()
    sign_up(owner, "owner", "owner@example.org", OWNER)
    owner.get(link_to("owner@example.org"))
    assert who_is_in(owner) == "owner"
    assert signs_in("owner@example.org", OWNER)


def test_an_address_that_a_member_asked_for_resets_no_password_of_theirs(client: Client, ann: User) -> None:
    EmailAddress.objects.create(user=ann, email="typo@example.org", verified=False)
    client.post("/accounts/password/reset/", {"email": "typo@example.org"})
    client.post("/accounts/password/reset/", {"email": "Ann@example.org"})
    assert [("password/reset/key" in str(sent.body), sent.to) for sent in mail.outbox] == [
        (False, ["typo@example.org"]),
        (True, ["ann@example.org"]),
    ]


def waits_with(client: Client, email: str) -> list[object]:
    """All responses between a sign-up and its confirmation."""
    answers = [
        sign_up(client, "newcomer", email),
        client.get("/accounts/confirm-email/"),
        client.post("/accounts/confirm-email/again/"),
        client.post("/accounts/confirm-email/change/", {"email": "nonsense"}),
        client.post("/accounts/confirm-email/change/", {"email": "newcomer@example.org"}),
        client.get("/accounts/confirm-email/"),
        sign_up(Client(), "newcomer", "third@example.org"),
        Client().post("/accounts/login/", {"login": "newcomer", "password": PASSWORD}),
        Client().post("/accounts/login/", {"login": "newcomer", "password": "another"}),
    ]
    return [(answer.status_code, answer.get("Location"), page_of(answer)) for answer in answers]


def test_nothing_on_the_way_tells_whether_an_address_is_a_members(ann: User) -> None:
    known = waits_with(Client(), "ann@example.org")
    SignUp.objects.all().delete()
    let_pass(100_000)
    unknown = waits_with(Client(), "bob@example.org")
    assert [str(answer).replace("ann@", "bob@") for answer in known] == [str(answer) for answer in unknown]


def test_a_members_address_gets_no_link_that_makes_an_account(client: Client, ann: User) -> None:
    sign_up(client, "eve", "ann@example.org")
    assert "one of us already" in mail.outbox[-1].subject
    assert "confirm-email" not in str(mail.outbox[-1].body)
    with pytest.raises(sign_ups.AddressTaken):
        sign_ups.complete(SignUp.objects.get())


def test_a_mistyped_address_is_changed_on_the_spot(client: Client) -> None:
    sign_up(client, "typo", "typo@gmial.example")
    assert "typo@gmial.example" in client.get("/accounts/confirm-email/").content.decode()
    void = link_to("typo@gmial.example")
    client.post("/accounts/confirm-email/change/", {"email": "Typo@gmail.example"})
    assert "typo@gmail.example" in client.get("/accounts/confirm-email/").content.decode()
    assert "run out" in client.get(void).content.decode()
    client.get(link_to("typo@gmail.example"))
    assert who_is_in(client) == "typo"
    assert signs_in("typo@gmail.example")


def test_signing_up_again_with_the_right_address_takes_the_same_name(client: Client) -> None:
    sign_up(client, "typo", "typo@gmial.example")
    assert sign_up(client, "typo", "typo@gmail.example").status_code == 302
    assert SignUp.objects.get().email == "typo@gmail.example"


def test_only_the_browser_that_signed_up_repeats_the_mail_or_changes_the_address(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    other = Client()
    other.post("/accounts/confirm-email/again/")
    other.post("/accounts/confirm-email/change/", {"email": "mallory@example.org"})
    assert len(mail.outbox) == 1
    assert SignUp.objects.get().email == "eve@example.org"


def test_the_mail_is_repeated_at_a_pace(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    assert client.post("/accounts/confirm-email/again/").status_code == 429
    let_pass(61)
    assert client.post("/accounts/confirm-email/again/").status_code == 302
    assert client.post("/accounts/confirm-email/again/").status_code == 429
    assert len(mail.outbox) == 2


def test_an_address_gets_so_many_mails_and_no_more(client: Client) -> None:
    for n in range(8):
        sign_up(Client(), f"eve{n}", "victim@example.org")
    assert len(mail.outbox) == 5
    sign_up(Client(REMOTE_ADDR="198.51.100.7"), "owner", "victim@example.org")
    assert len(mail.outbox) == 6, "its owner, who is elsewhere, still gets one"


def test_addresses_are_changed_at_a_pace_and_what_was_typed_stays(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    answers = [
        client.post("/accounts/confirm-email/change/", {"email": f"eve{n}@example.org"}) for n in range(11)
    ]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert "eve10@example.org" in answers[-1].content.decode()


def test_a_second_click_says_that_the_address_is_confirmed(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    link = link_to("eve@example.org")
    client.get(link)
    assert client.get(link)["Location"] == "/"
    elsewhere = Client().get(link).content.decode()
    assert "your address is confirmed" in elsewhere
    assert "run out" not in elsewhere


def test_the_used_link_of_a_changed_address_says_that_it_is_confirmed(client: Client, ann: User) -> None:
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    asked = client.post("/accounts/email/", {"email": "new@example.org", "action_add": ""})
    client.post(asked["Location"], {"password": PASSWORD})
    link = link_to("new@example.org")
    client.post(link)
    ann.refresh_from_db()
    assert ann.email == "new@example.org"
    assert "your address is confirmed" in Client().get(link).content.decode()


def test_a_name_that_was_taken_meanwhile_is_said(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    User.objects.create_user("eve", "other@example.org")
    page = client.get(link_to("eve@example.org"), follow=True)
    assert "someone has that name already" in page.content.decode()


def test_the_welcome_shows_those_who_wrote_last_with_a_button_to_follow(client: Client, ann: User) -> None:
    Kwip.objects.create(author=ann, text="hello")
    assert Client().get("/welcome/")["Location"].startswith("/accounts/login/")
    client.force_login(member("bob"))
    page = client.get("/welcome/").content.decode()
    assert 'action="/ann/follow/"' in page
    assert 'action="/bob/follow/"' not in page


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_user() -> None:
    sign_up_row = sign_ups.create(username="eve", email="eve@example.org", password="!")
    users = at_once([lambda: sign_ups.complete(sign_up_row).pk] * 8, threads=8)
    assert len(set(users)) == User.objects.count() == EmailAddress.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_click_and_a_second_sign_up_at_once_make_one_of_the_two() -> None:
    """The user gets the name and the password of the confirmed sign-up, not of the other one."""
    first = sign_ups.create(username="eve", email="eve@example.org", password="first")

    def click() -> str:
        try:
            return sign_ups.complete(first).password
        except SignUp.DoesNotExist:
            return "replaced"

    def again() -> str:
        return sign_ups.create(username="eva", email="eve@example.org", password="second").password

    clicked, _ = at_once([click, again], threads=2)
    assert clicked in ("first", "replaced")
    assert list(User.objects.values_list("username", "password")) == [("eve", "first")] * (clicked == "first")
