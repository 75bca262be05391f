"""Languages: a member's pages and mail are in their own, public pages in the site's, in every cache."""

import re
import uuid
from collections.abc import Collection
from functools import cache
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils.html import escape
from django.utils.translation import gettext, override

from apps.accounts.actions import choose_language
from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.messages.actions import send
from apps.moderation import mails as moderation
from apps.moderation.models import Action, Reason, What
from apps.notifications import preferences
from apps.notifications.mail.now import mail_notices
from apps.notifications.models import Notice
from apps.notifications.registry import Channel
from deploy.local import messages
from tests.operations.test_checks import HEALTHY
from tests.support.forked_manage import Manage
from tests.support.people import link_to, member, sign_up

pytestmark = pytest.mark.django_db

ENGLISH, GERMAN, SPANISH = "en", "de", "es"
LANGUAGES = {"ann": ENGLISH, "bea": GERMAN, "eva": SPANISH}


def say(author: User, text: str = "tea at four? #tea") -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4()).kwip


def comment(author: User, thread: Kwip, text: str = "with milk?") -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """A member of each language, and carol, who writes more than a page. All follow her."""
    people = {name: member(name) for name in ("carol", *LANGUAGES)}
    for number in range(25):
        say(people["carol"], f"#tea number {number}")
    for name, language in LANGUAGES.items():
        choose_language(user=people[name], language="" if language == ENGLISH else language)
        follow(follower=people[name], followee=people["carol"])
        comment(people["carol"], say(people[name], f"hello from {name}"))
        send(sender=people["carol"], recipient=people[name], text="hello", form_key=uuid.uuid4())
    return people


@pytest.fixture
def browsers(people: dict[str, User]) -> dict[str, Client]:
    # The language of a member's browser does not count.
    clients = {name: Client(headers={"Accept-Language": "es, de;q=0.5"}) for name in LANGUAGES}
    for name, client in clients.items():
        client.force_login(people[name])
    return clients


@pytest.fixture(params=["cached", "stock"])
def caches(request: pytest.FixtureRequest, settings: Any) -> None:
    if request.param == "stock":
        settings.FRAGMENT_CACHE_BYTES = settings.CARD_NEAR_CACHE_BYTES = 0
        lookaside = {"BACKEND": "apps.lookaside.backends.NoLookaside"}
        settings.CACHES = settings.CACHES | {"lookaside": lookaside}
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"


@cache
def translations(language: str) -> dict[str, str]:
    """Of each message without places: its words in the language."""
    found = [message for message in messages.template() if message.id and not message.context]
    # The same words in a plural may be other words there.
    counted = {form for message in found if message.pluralizable for form in message.id}
    plain = [message.id for message in found if isinstance(message.id, str) and message.id not in counted]
    with override(language):
        return {text: escape(gettext(text)) for text in plain if "%" not in text}


def pieces(page: str) -> set[str]:
    """What stands between two tags, and in labels."""
    between = {" ".join(text.split()) for text in re.findall(r">([^<]+)<", page)}
    return between | set(re.findall(r'(?:aria-label|title|data-\w+-said)="([^"]+)"', page))


def said(page: str, language: str) -> set[str]:
    """The messages that the page says in this language."""
    found = pieces(page)
    return {text for text, words in translations(language).items() if words in found}


def is_all_in(page: str, language: str, like: Collection[str], address: str) -> None:
    """The page says the messages ``like`` in ``language``, and in no other one."""
    words, found = translations(language), pieces(page)
    assert {text for text in like if words[text] not in found} == set(), address
    for other in {ENGLISH, GERMAN, SPANISH} - {language}:
        others = translations(other)
        assert {others[text] for text in like if others[text] in found} <= set(words.values()), address


def addresses(client: Client) -> list[str]:
    kwip = Kwip.objects.filter(author__username="carol", thread=None).latest("pk")
    older = re.search(r'rel="next"\s+href="([^"]+)"', client.get("/everyone/").content.decode())
    assert older
    return [
        "/", "/?sort=active", "/everyone/", f"/everyone/{older[1]}&part=list".replace("&amp;", "&"),
        "/carol/",
        f"/carol/kwip/{kwip.pk}/", f"/carol/kwip/{kwip.pk}/part/", "/tag/tea/", "/carol/followers/",
        "/carol/favourites/", "/carol/statistics/", "/people/", "/tags/", "/search/?q=tea",
        "/notifications/", "/messages/", "/messages/carol/", "/kwip/", f"/kwip/{kwip.pk}/report/",
        "/settings/", "/settings/notices/", "/settings/privacy/", "/settings/face/", "/settings/language/",
        "/settings/by-mail/",
        "/accounts/email/", "/accounts/password/change/", "/accounts/sessions/", "/invitations/",
        "/settings/tokens/", "/settings/security/",
    ]  # fmt: skip


@pytest.mark.usefixtures("caches")
def test_members_of_several_languages_get_each_page_in_their_own(browsers: dict[str, Client]) -> None:
    for address in addresses(browsers["ann"]):
        browsers["ann"].get(address)  # which marks notices as seen
        english = said(browsers["ann"].get(address).content.decode(), ENGLISH)
        for _ in range(2):  # rendered, and from the caches
            for name in ("bea", "eva", "ann"):
                response = browsers[name].get(address)
                assert response.status_code == 200, address
                page, language = response.content.decode(), LANGUAGES[name]
                assert "<html" not in page or f'<html lang="{language}"' in page, address
                is_all_in(page, language, english, address)


@pytest.mark.usefixtures("caches")
def test_each_sees_what_another_did_in_their_own_language(
    people: dict[str, User], browsers: dict[str, Client]
) -> None:
    kwip = say(people["carol"])
    thread = f"/carol/kwip/{kwip.pk}/"
    for client in browsers.values():
        client.get(thread)
    for name, client in browsers.items():
        client.post(f"/kwip/{kwip.pk}/comment/", {"text": f"said by {name}", "form_key": uuid.uuid4()})
        client.post(f"/kwip/{kwip.pk}/favourite/")
        for reader, other in browsers.items():
            page = other.get(thread).content.decode()
            assert f"said by {name}" in page
            assert f'<html lang="{LANGUAGES[reader]}"' in page
            assert translations(LANGUAGES[reader])["more"] in pieces(page)
    assert Client().get(thread).content.decode().count("said by ") == 3


@pytest.mark.usefixtures("caches")
def test_a_notice_is_in_the_language_of_who_reads_it(
    people: dict[str, User], browsers: dict[str, Client]
) -> None:
    for reader, actor in (("bea", "eva"), ("eva", "bea"), ("ann", "bea")):
        browsers[actor].post(f"/{reader}/follow/")
        page = browsers[reader].get("/notifications/").content.decode()
        with override(LANGUAGES[reader]):
            assert gettext("follows you now") in " ".join(pieces(page))


def test_the_language_is_chosen_on_a_page_and_counts_at_once(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["ann"])
    page = client.get("/settings/language/").content.decode()
    assert '<span lang="de" dir="auto">Deutsch</span>' in page
    assert '<span lang="es" dir="auto">Español</span>' in page
    page = client.post("/settings/language/", {"language": GERMAN}, follow=True).content.decode()
    assert '<html lang="de"' in page
    assert translations(GERMAN)["saved. looking good :)"] in pieces(page)
    assert '<html lang="de"' in client.get("/").content.decode()
    client.post("/settings/language/", {"language": ""})
    assert '<html lang="en"' in client.get("/").content.decode()


def test_a_language_that_the_site_lacks_is_refused(people: dict[str, User], settings: Any) -> None:
    client = Client()
    client.force_login(people["bea"])
    assert client.post("/settings/language/", {"language": "tlh"}).status_code == 422
    assert '<html lang="de"' in client.get("/").content.decode()
    settings.LANGUAGES = [("en", "English")]  # of another release
    assert '<html lang="en"' in client.get("/").content.decode()
    settings.LIMITS = settings.LIMITS | {"profile": "1/1h"}
    statuses = [client.post("/settings/language/", {"language": "en"}).status_code for _ in range(3)]
    assert statuses[-1] == 429


def test_public_pages_have_the_language_of_the_site_whatever_the_browser_asks_for(
    people: dict[str, User], settings: Any
) -> None:
    visitor = Client(headers={"Accept-Language": "es"})
    for language in (ENGLISH, GERMAN):
        settings.LANGUAGE_CODE = language
        for address in ("/", "/everyone/", "/carol/", "/about/", "/contact/", "/nothing/at/all/"):
            response = visitor.get(address)
            assert f'<html lang="{language}"' in response.content.decode(), address
            assert "Accept-Language" not in response.get("Vary", "")


def test_the_entrance_has_the_language_of_the_browser(people: dict[str, User]) -> None:
    for accepted, language in (("es-MX, de;q=0.5", "es"), ("tlh, de;q=0.1", "de"), ("tlh", "en"), ("", "en")):
        visitor = Client(headers={"Accept-Language": accepted})
        for address in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
            response = visitor.get(address)
            assert f'<html lang="{language}"' in response.content.decode()
            assert "Accept-Language" in response["Vary"]
            assert "no-store" in response["Cache-Control"]


def test_who_joins_keeps_the_language_in_which_they_signed_up(people: dict[str, User]) -> None:
    browser = Client(headers={"Accept-Language": "de"})
    sign_up(browser, "newbie", "newbie@example.org")
    assert escape(mail.outbox[-1].subject) == translations(GERMAN)["one click and you're in"]
    browser.get(link_to("newbie@example.org"))
    assert User.objects.get(username="newbie").language == GERMAN
    assert '<html lang="de"' in browser.get("/welcome/").content.decode()


def test_mail_has_the_language_of_its_recipient_whoever_causes_it(people: dict[str, User]) -> None:
    bea = User.objects.get(username="bea")
    stranger = Client(headers={"Accept-Language": "es"})
    stranger.post("/accounts/password/reset/", {"email": bea.email})
    assert mail.outbox[-1].subject == translations(GERMAN)["a new password for you"]
    sign_up(stranger, "other", bea.email)
    assert mail.outbox[-1].to == [bea.email]
    with override(SPANISH):
        hidden = Action(pk=7, what=What.HIDE, reason=Reason.PRIVATE, words="")
        told = moderation.of_action(hidden, bea, "")
    assert told.subject == translations(GERMAN)["about your account"]
    for message in (*mail.outbox, told):
        [html] = [str(content) for content, kind in message.alternatives]  # type: ignore[attr-defined]
        assert '<html lang="de"' in html


def test_mail_of_notices_has_the_language_of_its_recipient(people: dict[str, User]) -> None:
    bea = User.objects.get(username="bea")
    chosen = preferences.of(bea)
    preferences.change(
        user=bea, channels={"follow": Channel.MAIL}, digest=chosen.digest, hour=8, time_zone="UTC"
    )
    assert EmailAddress.objects.filter(user=bea, verified=True).exists()
    follow(follower=people["eva"], followee=bea)
    notices = Notice.objects.filter(recipient=bea, kind="follow")
    with override(SPANISH):
        mail_notices.func(list(notices.values_list("pk", flat=True)))
    with override(GERMAN):
        assert gettext("follows you now") in mail.outbox[-1].subject


def test_the_page_caches_of_two_languages_share_no_page(manage: Manage) -> None:
    program = "from django.conf import settings; print(settings.PAGECACHE['RELEASE'])"
    environment = {**HEALTHY, "RELEASE": "7", "MEDIA_ROOT": "/tmp"}
    releases = {
        manage("shell", "-v0", "-c", program, **environment, SITE_LANGUAGE=language).stdout.strip()
        for language in (ENGLISH, GERMAN)
    }
    assert releases == {"7:en", "7:de"}
