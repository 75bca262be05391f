"""The addresses of every page, and what people do on them in Chromium."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts import invitations, leaving
from apps.accounts.actions import change_profile, set_private
from apps.accounts.models import Leaving, ProfileLink, User
from apps.directory.tasks import find_active_and_busy, suggest
from apps.drafts import actions as drafts
from apps.drafts.models import Draft
from apps.graph.actions import follow
from apps.kwips import actions, bookmarks, of_the_day, pins, sharing
from apps.kwips.models import Kwip
from apps.messages.actions import send
from apps.messages.models import Message
from apps.moderation import actions as moderation
from apps.moderation import cases
from apps.moderation.models import Case, Reason, What
from apps.notifications import actions as notices
from apps.notifications.mail.unsubscribe import Subscription
from apps.notifications.models import OperatorMessage
from apps.policy.models import SitePolicy

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "it rained when the train left, and nobody minded. " * 60
type Open = Callable[..., Page]


@pytest.fixture
def ann(transactional_db: None) -> User:
    """A person with content of every kind."""
    ann = User.objects.create_user("ann", "ann@example.org", "a long password", display_name="Ann of Tea")
    bob = User.objects.create_user("bob", "bob@example.org", "a long password", bio="bread,\nand butter")
    follow(follower=ann, followee=bob)
    follow(follower=bob, followee=ann)
    texts = ["tea at four #tea @bob", LONG, "صباح الخير", "x" * 300, "https://example.org/" + "y" * 200]
    for text in texts * 5:
        actions.publish(author=bob, text=text, form_key=uuid.uuid4())
    kwip = actions.publish(author=ann, text="tea #tea", form_key=uuid.uuid4(), followers_only=True).kwip
    actions.comment(author=bob, thread=kwip, text=LONG * 3, form_key=uuid.uuid4())
    actions.edit(kwip=kwip, text="tea and scones, and all else that goes with them #tea @bob")
    actions.favourite(kwip=kwip, user=bob)
    cee = User.objects.create_user(
        "cee", "cee@example.org", display_name="Cee of the very long names, and more"
    )
    theirs = actions.publish(author=cee, text=LONG, form_key=uuid.uuid4()).kwip
    for user in (ann, bob):
        sharing.share(kwip=theirs, user=user)
    sharing.share(kwip=Kwip.objects.filter(author=bob).earliest("pk"), user=ann)
    bookmarks.bookmark(kwip=theirs, user=ann)
    until = timezone.now() + timedelta(days=1)
    SitePolicy(announcement="tea at four: https://example.org/" + "y" * 90, announcement_until=until).save()
    message = OperatorMessage(text="we move: https://example.org/" + "y" * 90 + "\n\n" + LONG)
    notices.write_to_members(message=message, recipients=[ann.pk])
    invitations.invite(inviter=ann, note=LONG[:200], form_key=uuid.uuid4())
    for sender, recipient in ((ann, bob), (bob, ann)):
        for text in ("tea at four? https://example.org/" + "y" * 200, "x" * 300):
            send(sender=sender, recipient=recipient, text=text, form_key=uuid.uuid4())
    User.objects.create_user("dee", "dee@example.org", display_name="d" * 50)
    ivy = User.objects.create_user(
        "ivy", "ivy@example.org", display_name="Ivy of the very long names, and more", is_private=True
    )
    follow(follower=ann, followee=ivy)
    actions.publish(author=ann, text="for everyone", form_key=uuid.uuid4())
    set_private(user=ann, is_private=True)
    follow(follower=cee, followee=ann)
    of_the_day.choose(kwip=Kwip.objects.filter(author=bob, thread=None).latest("pk"), by=ann)
    ann.groups.add(Group.objects.get_or_create(name="moderators")[0])
    for thing in (
        cases.of_person(cee),
        cases.of_kwip(Kwip.objects.filter(author=bob).exclude(thread=None)[0]),
    ):
        moderation.report(thing=thing, reporter=ann, reason=Reason.PRIVATE, words="y" * 200)
    follow(follower=bob, followee=cee)
    urls = ["https://bob.example/" + "y" * 90, "https://b.example/"]
    about = {"display_name": "", "bio": "bread,\nand butter", "pronouns": "he/him", "location": "by the sea"}
    change_profile(user=bob, urls=urls, **about)
    ProfileLink.objects.filter(position=1).update(verified_at=timezone.now())
    pins.pin(kwip=Kwip.objects.filter(author=bob, thread=None).earliest("pk"), user=bob)
    for words in (LONG, "half a thought " + "y" * 200):
        draft = drafts.save(owner=ann, fields={"text": [words]}, form_key=uuid.uuid4()).draft
    drafts.schedule(owner=ann, draft_id=draft.pk, publish_at=timezone.now() + timedelta(days=3))
    Draft.objects.filter(publish_at=None).update(failed="that was a lot in a short time. " * 5)
    User.objects.filter(pk=ann.pk).update(last_login=timezone.now())
    find_active_and_busy.func()
    suggest.func()
    return ann


def sign_in(page: Page, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


def leaving_dee() -> Leaving:
    dee = User.objects.create_user("dee_who_left", "left@example.org")
    return leaving.leave(user=dee)


def addresses(member: bool) -> list[str]:
    own = Kwip.objects.filter(author__username="ann").earliest("pk")
    anybodys = Kwip.objects.filter(author__username="bob", thread=None).first()
    assert anybodys
    gone = actions.publish(author=own.author, text="gone", form_key=uuid.uuid4()).kwip
    actions.delete(kwip=gone)
    public = [
        "/", "/everyone/", "/everyone/?sort=active", "/bob/", "/bob/followers/", "/bob/following/",
        "/bob/favourites/", "/bob/comments/", "/bob/shares/", "/cee/shares/", "/tag/tea/",
        f"/bob/kwip/{anybodys.pk}/", "/about/", "/about/keys/", "/tags/", "/people/", "/people/active/",
        "/bob/statistics/", "/rules/", "/conduct/", "/privacy/", "/offline/",
        f"/ann/kwip/{gone.pk}/", "/nothing/here/", "/tag/nothing/", "/contact/", "/contact/thanks/",
        "/search/", "/search/?q=tea", "/search/?q=b&in=people", "/search/?q=tea&in=tags", "/search/?q=-tea",
        "/search/?q=xylophone",
    ]  # fmt: skip
    doors = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/confirm-email/"]
    doors += ["/accounts/back/token/", "/accounts/2fa/stay/token/"]
    comment, revision = own.comments.get(), own.revisions.get()
    members = [
        f"/bob/kwip/{comment.pk}/whole/", f"/ann/kwip/{own.pk}/history/{revision.pk}/",
        "/kwip/", "/ann/", f"/ann/kwip/{own.pk}/", f"/ann/kwip/{own.pk}/history/", f"/kwip/{own.pk}/edit/",
        f"/kwip/{own.pk}/delete/", f"/kwip/{own.pk}/comment/", "/settings/", "/accounts/email/",
        "/accounts/password/change/", "/accounts/sessions/", "/accounts/logout/", "/settings/security/",
        "/accounts/2fa/", "/accounts/2fa/reset/",
        f"/kwip/{anybodys.pk}/edit/", "/welcome/", f"/ann/kwip/{own.pk}/?answers={comment.pk}",
        "/messages/", "/messages/bob/", "/messages/bob/delete/",
        "/messages/dee/", "/settings/messages/", "/settings/leave/", leaving.way_back(leaving_dee()),
        *(f"/messages/bob/{message.pk}/" for message in Message.objects.filter(owner=own.author)),
        "/notifications/", f"/notifications/message/{OperatorMessage.objects.get().pk}/",
        "/settings/export/", "/settings/import/", "/settings/face/", "/settings/keys/", "/settings/language/",
        "/settings/by-mail/",
        "/invitations/", "/settings/notices/", "/bookmarks/", "/requests/", "/requests/sent/", "/ivy/",
        "/settings/privacy/", "/ivy/followers/", "/settings/mutes/", "/settings/blocks/",
        "/bob/mute/", f"/kwip/{anybodys.pk}/mute/", "/bob/report/", f"/kwip/{anybodys.pk}/report/",
        "/moderation/", "/moderation/people/bob/",
        *(f"/moderation/{case.pk}/" for case in Case.objects.all()),
        *(f"/moderation/reports/{case.pk}/" for case in Case.objects.all()),
        "/people/network/", "/settings/favourites/", "/settings/writing/", "/settings/tokens/",
        "/drafts/", *(f"/drafts/{draft.pk}/" for draft in Draft.objects.all()),
        *(f"/drafts/{Draft.objects.latest('pk').pk}/{what}/" for what in ("later", "delete")),
        Subscription(own.author_id, kind="comment").url.removeprefix(settings.SITE_URL),
    ]  # fmt: skip
    return public + (members if member else doors)


def test_a_warning_is_accessible_and_is_read_by_a_click(
    live_server: LiveServer, open_page: Open, axe: Callable[[Page], None], ann: User
) -> None:
    bob = User.objects.get(username="bob")
    moderation.act(what=What.WARN, person=bob, by=ann, reason=Reason.SPAM, words="z" * 300)
    page, plain = open_page(width=320), open_page(width=320, javascript=False)
    for one in (page, plain):
        sign_in(one, bob, live_server.url)
        one.goto(f"{live_server.url}/everyone/")
        expect(one.locator("h1")).to_have_text("a word from a moderator")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    axe(page)
    plain.get_by_role("button", name="i have read this").click()
    expect(plain.locator("h1")).to_have_text("everyone")


def test_errors_beside_the_fields_are_accessible_too(
    live_server: LiveServer, open_page: Open, axe: Callable[[Page], None], ann: User
) -> None:
    page = open_page(width=320)
    page.goto(f"{live_server.url}/accounts/signup/")
    page.fill("[name=username]", "everyone")
    page.fill("[name=email]", "eve@example.org")
    page.fill("[name=password1]", "short")
    page.fill("[name=password2]", "other")
    page.click("main button.button[type=submit]:not(.quiet)")
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    axe(page)
    page.fill("[name=username]", "eve")
    page.fill("[name=password1]", "seven green teapots")
    page.fill("[name=password2]", "seven green teapots")
    page.click("main button.button[type=submit]:not(.quiet)")
    expect(page.locator("main")).to_contain_text("eve@example.org")
    axe(page)
    page.fill("[name=email]", "eve@nowhere")
    page.click("form[action='/accounts/confirm-email/change/'] button")
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    axe(page)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    page.fill("[name=text]", " ")
    page.click("main button.button[type=submit]:not(.quiet)")
    expect(page.locator("main")).to_contain_text("say something first")
    axe(page)


def test_a_draft_outlives_the_page_and_goes_when_it_is_published(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    page.fill("[name=text]", "half a thought")
    page.goto(f"{live_server.url}/everyone/")
    page.goto(f"{live_server.url}/kwip/")
    expect(page.locator("[name=text]")).to_have_value("half a thought")
    page.click("main button.button[type=submit]:not(.quiet)")
    expect(page.locator("article").first).to_contain_text("half a thought")
    page.goto(f"{live_server.url}/kwip/")
    expect(page.locator("[name=text]")).to_have_value("")


def test_a_text_too_long_comes_back_whole(live_server: LiveServer, open_page: Open, ann: User) -> None:
    page = open_page(javascript=False)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    page.fill("[name=text]", "a" * 100_001)
    page.click("main button.button[type=submit]:not(.quiet)")
    expect(page.locator("main")).to_contain_text("the longest kwip has 100000")
    assert len(page.locator("[name=text]").input_value()) == 100_001


def test_two_quick_clicks_publish_once(live_server: LiveServer, open_page: Open, ann: User) -> None:
    for javascript in (True, False):
        page = open_page(javascript=javascript)
        sign_in(page, ann, live_server.url)
        page.goto(f"{live_server.url}/kwip/")
        page.fill("[name=text]", f"once, javascript {javascript}")
        page.locator("main button.button[type=submit]:not(.quiet)").dblclick()
        expect(page.locator("article").first).to_contain_text("once")
        assert Kwip.objects.filter(text=f"once, javascript {javascript}").count() == 1


def test_a_favourite_is_marked_without_leaving_the_page_and_kept(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/everyone/")
    button = page.locator("article button.fave").nth(2)
    with page.expect_response("**/favourite/"):
        button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.url == f"{live_server.url}/everyone/"
    page.reload()
    expect(page.locator("article button.fave").nth(2)).to_have_attribute("aria-pressed", "true")


def test_a_favourite_that_did_not_reach_the_site_is_taken_back(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/everyone/")
    page.context.set_offline(True)
    button = page.locator("article button.fave").first
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_contain_text("did not work")


def test_numbers_on_the_page_move_with_the_button(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/eve/")
    followers = page.locator("[data-moves=followers]")
    button = page.locator(".person button[data-toggle]")
    expect(followers).to_have_text("0 followers")
    button.click()
    expect(followers).to_have_text("1 follower")
    button.click()
    expect(followers).to_have_text("0 followers")
    # Clicks of others since the page was rendered count as well.
    kwip = actions.publish(author=eve, text="tea", form_key=uuid.uuid4()).kwip
    page.goto(f"{live_server.url}/eve/")
    actions.favourite(kwip=kwip, user=eve)
    heart = page.locator("article button.fave").first
    heart.click()
    expect(heart.locator("[data-count]")).to_have_text("2")


def test_a_click_after_the_session_ended_leads_to_the_door_and_back(
    live_server: LiveServer, open_page: Open, ann: User
) -> None:
    page = open_page()
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/everyone/?sort=active")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.locator("article button.fave").first.click()
    said = page.locator("#live")
    expect(said).to_contain_text("you are signed out")
    expect(page.locator("article button.fave").first).to_have_attribute("aria-pressed", "false")
    said.get_by_role("link", name="sign in").click()
    page.wait_for_url(f"{live_server.url}/accounts/login/?next=%2Feveryone%2F%3Fsort%3Dactive")


def test_what_people_write_runs_nothing(live_server: LiveServer, open_page: Open, ann: User) -> None:
    page = open_page()
    sign_in(page, ann, live_server.url)
    nasty = (
        "<script>document.title='gotcha'</script><img src=x onerror=alert(1)> javascript:alert(1) "
        "http://a.b/\"onmouseover='alert(1)' &lt;svg onload=alert(1)&gt; @ann\"><b>"
    )
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    User.objects.filter(pk=ann.pk).update(display_name=nasty[:50], bio=nasty)
    kwip = actions.publish(author=ann, text=nasty, form_key=uuid.uuid4()).kwip
    for address in (f"/ann/kwip/{kwip.pk}/", "/ann/", "/", "/settings/", f"/kwip/{kwip.pk}/edit/"):
        page.goto(live_server.url + address)
        assert page.title() != "gotcha"
        assert page.locator("main script, main img[onerror], main svg[onload], .kwip-text b").count() == 0
        assert page.locator("a[href^='javascript' i]").count() == 0
    assert not dialogs
