"""The action table: each write, and the families of public pages that it purges.

Every public function of every `actions.py` has a row in which it changes the database.
"""

import importlib
import inspect
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.accounts import erasing, invitations, leaving, links, names, sign_ups
from apps.accounts.models import Leaving, ProfileLink, SignUp, User
from apps.commandqueue.models import Command, Kind, Queue, State
from apps.commandqueue.operate import actions as commandqueue
from apps.contact import actions as contact
from apps.cspreports import actions as cspreports
from apps.cspreports.parsing import Kind as Violated
from apps.directory.tasks import find_active_and_busy, suggest
from apps.drafts import actions as drafts
from apps.drafts.models import Draft as KeptDraft
from apps.factors import actions as factors
from apps.graph import actions as graph
from apps.graph import blocking, muting
from apps.graph.models import Mute
from apps.inbound import actions as inbound
from apps.inbound.models import SeenMail
from apps.kwips import actions as kwips
from apps.kwips import bookmarks, holding, narrowing, of_the_day, pins, sharing, thanks
from apps.kwips.importing import EARLIEST, Past, add_imported
from apps.kwips.models import Kwip, Mention
from apps.kwips.tracking import set_tracking
from apps.messages import actions as messages
from apps.messages.models import Message
from apps.moderation import actions as moderation
from apps.moderation.cases import of_kwip
from apps.moderation.models import Action, Case, Reason, What
from apps.notifications import actions as notices
from apps.notifications import preferences
from apps.notifications.mail import unsubscribe
from apps.notifications.mail.digests import send_due
from apps.notifications.mail.now import mail_notices
from apps.notifications.mail.unsubscribe import Subscription
from apps.notifications.models import Notice, OperatorMessage, Preferences
from apps.notifications.registry import KINDS, Draft
from apps.pictures import actions as pictures
from apps.pictures.models import Picture, Shape
from apps.pictures.tests import made
from apps.policy.models import SignUpMode, SitePolicy
from apps.sitepages.models import SitePage
from apps.tokens import actions as tokens
from apps.tokens.models import Scope, Token
from tests.invalidation.scenario import PASSWORD, Scenario
from tests.support.pictures import waiting

type Arguments = Callable[[Scenario], dict[str, Any]]


def nothing(_: Scenario) -> None: ...


@dataclass(frozen=True)
class Row:
    """``function`` with these ``arguments`` changes the pages of the families ``purges``, and no others.

    ``first`` prepares it. ``purges`` is "people" for all pages that show people. A ``durable`` function
    commits by itself and can't run in a transaction.
    """

    name: str
    function: Callable[..., object]
    arguments: Arguments
    purges: str = ""
    first: Callable[[Scenario], object] = field(default=nothing)
    durable: bool = False

    def run(self, scenario: Scenario) -> None:
        self.function(**self.arguments(scenario))

    def __str__(self) -> str:
        return self.name

    def is_purged(self, families: str) -> bool:
        """Whether the row purges a page of these families."""
        if self.purges == "people":
            return "about" not in families.split()
        return not set(families.split()).isdisjoint(self.purges.split())


def key() -> dict[str, uuid.UUID]:
    return {"form_key": uuid.uuid4()}


def imported() -> Past:
    return Past(uuid.uuid4(), "old #tea", EARLIEST, followers_only=False)


def ended(scenario: Scenario) -> None:
    """A mute that ended."""
    Mute.objects.create(muter=scenario.ann, muted=scenario.bob, ends_at=timezone.now() - timedelta(days=1))


def blocks(scenario: Scenario) -> dict[str, Any]:
    return {"blocker": scenario.ann, "blocked": scenario.bob}


def follows(scenario: Scenario) -> dict[str, Any]:
    return {"follower": scenario.bob, "followee": scenario.ann}


def asks_cee(scenario: Scenario) -> dict[str, Any]:
    return {"follower": scenario.bob, "followee": scenario.cee}


def cee_is_private(scenario: Scenario) -> None:
    accounts.set_private(user=scenario.cee, is_private=True)


def asks(scenario: Scenario) -> None:
    cee_is_private(scenario)
    graph.follow(**asks_cee(scenario))


def answers(scenario: Scenario) -> dict[str, User]:
    return {"asked": scenario.cee, "asker": scenario.bob}


def likes(scenario: Scenario) -> dict[str, Any]:
    return {"kwip": scenario.kwip, "user": scenario.bob}


def owns(scenario: Scenario) -> dict[str, Any]:
    return {"kwip": scenario.kwip, "user": scenario.ann}


def wants_thanks(scenario: Scenario) -> None:
    kwips.favourite(**likes(scenario))
    thanks.show(user=scenario.ann)


def likes_comment(scenario: Scenario) -> dict[str, Any]:
    return {"kwip": scenario.comment, "user": scenario.ann}


def admin_saves(person: User, **changes: str | None) -> None:
    """An operator changes a person by the admin's own form; None empties a field."""
    operator = Client()
    operator.force_login(User.objects.filter(username="ops").first() or _operator())
    address = f"/admin/accounts/user/{person.pk}/change/"
    form = operator.get(address).context["adminform"].form
    shown: dict[str, Any] = {
        name: form.get_initial_for_field(form.fields[name], name) for name in form.fields
    }
    filled = {name: value for name, value in (shown | changes).items() if value not in (None, False)}
    answer = operator.post(address, filled | {"_save": "save"})
    assert answer.status_code == 302, answer.context["errors"]


def reports(scenario: Scenario) -> dict[str, Any]:
    thing = of_kwip(Kwip.objects.get(pk=scenario.kwip.pk))
    return {"thing": thing, "reporter": scenario.bob, "reason": Reason.SPAM, "words": "hm"}


def is_reported(scenario: Scenario) -> None:
    moderation.report(**reports(scenario))


def acts(what: What) -> Arguments:
    """The command line does it about the reported kwip of ann."""

    def arguments(scenario: Scenario) -> dict[str, Any]:
        person = User.objects.get(pk=scenario.ann.pk)
        return {"what": what, "person": person, "by": None, "reason": Reason.SPAM, "case": Case.objects.get()}

    return arguments


def is_warned(scenario: Scenario) -> None:
    is_reported(scenario)
    moderation.act(**acts(What.WARN)(scenario))


def _operator() -> User:
    return User.objects.create_superuser("ops", "ops@example.org", PASSWORD)


def deactivates(scenario: Scenario) -> None:
    bob = User.objects.get(pk=scenario.bob.pk)
    bob.is_active = False
    bob.save()


def signs_in(scenario: Scenario) -> None:
    assert Client().login(username="bob", password=PASSWORD)


def changes_password(scenario: Scenario) -> None:
    client = Client()
    client.force_login(scenario.bob)
    user = client.get("/settings/").wsgi_request.user
    user.set_password("another horse battery")
    user.save()


def looks_around(scenario: Scenario) -> None:
    client = Client()
    client.force_login(scenario.bob)
    for path in scenario.pages:
        assert client.get(path).status_code == 200


def has_a_picture(scenario: Scenario) -> None:
    accounts.change_picture(user=scenario.bob, picture=waiting(scenario.bob))


def is_due(scenario: Scenario) -> None:
    """Bob left two weeks ago."""
    leaving.leave(user=scenario.bob)
    Command.objects.all().delete()
    Leaving.objects.update(due_at=timezone.now())


def a_command(state: State) -> Callable[[Scenario], None]:
    def create(_: Scenario) -> None:
        now = timezone.now()
        times = {"expires_at": now + timedelta(days=1), "finished_at": now - timedelta(minutes=1)}
        Command.objects.create(
            kind=Kind.TASK, queue_name=Queue.DEFAULT, backend="default", task="none", state=state, **times
        )

    return create


def commands(_: Scenario) -> dict[str, Any]:
    return {"ids": list(Command.objects.values_list("pk", flat=True))}


def chosen(scenario: Scenario) -> dict[str, Any]:
    return {"kwip": scenario.other, "by": scenario.ann}


def chooses(scenario: Scenario) -> None:
    of_the_day.choose(**chosen(scenario))


def finds_active(_: Scenario) -> None:
    find_active_and_busy.func()


def cee_could_follow_bob(scenario: Scenario) -> None:
    graph.follow(follower=scenario.ann, followee=scenario.bob)
    User.objects.filter(pk=scenario.cee.pk).update(last_login=timezone.now())


def announces(scenario: Scenario) -> None:
    SitePolicy(announcement="tea", announcement_until=timezone.now() + timedelta(days=1)).save()


def changes_sign_up(scenario: Scenario) -> None:
    policy = SitePolicy.objects.get()
    policy.sign_up = SignUpMode.CLOSED
    policy.save()


def rewrites_the_rules(scenario: Scenario) -> None:
    SitePage(slug="rules", text="be kind").save()


def is_invited(scenario: Scenario) -> None:
    token = invitations.invite(inviter=scenario.ann, note="", form_key=uuid.uuid4())
    invitation = invitations.by_token(token)
    assert invitation is not None
    sign_ups.create(username="dee", email="dee@example.org", password="!", invitation_id=invitation.pk)


def joins_invited(scenario: Scenario) -> None:
    sign_ups.complete(SignUp.objects.get())


def applies(scenario: Scenario) -> None:
    SitePolicy(sign_up=SignUpMode.APPROVAL).save()
    sign_ups.complete(sign_ups.create(username="dee", email="dee@example.org", password="!"))


def profile(**changes: str) -> Arguments:
    return lambda p: {"user": p.bob, "display_name": "", "bio": ""} | changes


def links_somewhere(scenario: Scenario) -> dict[str, Any]:
    return profile(urls=["https://bob.example/"])(scenario)  # type: ignore[arg-type]


def has_a_link(scenario: Scenario) -> None:
    accounts.change_profile(**links_somewhere(scenario))


def finds_link_back(scenario: Scenario) -> None:
    link = ProfileLink.objects.select_related("person").get(person=scenario.bob)
    assert links._record(link, timezone.now(), again=links.EVERY)


def mentions_ann(scenario: Scenario) -> None:
    Kwip.objects.filter(pk=scenario.other.pk).update(text="@ann")
    Mention.objects.create(kwip=scenario.other, user=scenario.ann)


def has_no_notices(_: Scenario) -> None:
    Notice.objects.all().delete()


def waits_for(channel: str) -> Callable[[Scenario], None]:
    """Notices wait for two days."""

    def waits(_: Scenario) -> None:
        before = timezone.now() - timedelta(days=2)
        Notice.objects.update(channel=channel, is_unseen=True, notified_at=before)

    return waits


def mailed(_: Scenario) -> dict[str, Any]:
    return {"ids": list(Notice.objects.values_list("pk", flat=True))}


def is_refused(scenario: Scenario) -> None:
    Preferences.objects.create(user=scenario.ann, refusals=3, refused_address=scenario.ann.email)


def ages(_: Scenario) -> None:
    Notice.objects.update(notified_at=timezone.now() - timedelta(days=1_000))


def answer(scenario: Scenario) -> dict[str, Any]:
    about = {"author": scenario.bob, "thread": scenario.kwip, "answers": scenario.comment}
    return about | {"text": "@bob so do i"} | key()


def whole_scenario(scenario: Scenario) -> dict[str, Any]:
    return {"scenario": scenario}


def to_cee(scenario: Scenario) -> dict[str, Any]:
    return {"sender": scenario.ann, "recipient": scenario.cee, "text": "tea?"} | key()


def writes_to_cee(scenario: Scenario) -> None:
    messages.send(**to_cee(scenario))


def keeps(scenario: Scenario) -> None:
    drafts.save(owner=scenario.ann, fields={"text": ["half"]}, form_key=uuid.uuid4())


def anns_draft(scenario: Scenario) -> dict[str, Any]:
    return {"owner": scenario.ann, "draft_id": KeptDraft.objects.get().pk}


def schedules(scenario: Scenario) -> None:
    keeps(scenario)
    drafts.schedule(**anns_draft(scenario), publish_at=timezone.now() + timedelta(days=1))


def has_an_address(scenario: Scenario) -> None:
    inbound.switch_on(**an_address(scenario))


def an_address(scenario: Scenario) -> dict[str, Any]:
    return {"user": scenario.bob, "form_key": uuid.uuid4(), "tell": lambda owner: None}


def has_read_mail(scenario: Scenario) -> None:
    inbound.mark_seen(key=uuid.uuid4(), user=scenario.bob)
    SeenMail.objects.update(seen_at=timezone.now() - timedelta(days=settings.INBOUND_SEEN_DAYS + 1))


def a_recovery_code(scenario: Scenario) -> dict[str, Any]:
    made = RecoveryCodes.activate(scenario.bob)
    return {"user_id": scenario.bob.pk, "code": made.get_unused_codes()[0]}


def makes_a_token(scenario: Scenario) -> None:
    tokens.make(**a_token(scenario))


def a_token(scenario: Scenario) -> dict[str, Any]:
    return {
        "owner": scenario.bob,
        "name": "a script",
        "scope": Scope.WRITE_KWIPS,
        "form_key": str(uuid.uuid4()),
        "tell": lambda token: None,
    }


def uploads(scenario: Scenario) -> None:
    waiting(scenario.bob)


def uses(scenario: Scenario) -> None:
    uploads(scenario)
    pictures.use(**bobs_pictures(scenario))


def bobs_pictures(scenario: Scenario) -> dict[str, Any]:
    names = list(Picture.objects.filter(owner=scenario.bob).values_list("name", flat=True))
    return {"owner": scenario.bob, "names": names}


def in_days(number: int) -> dict[str, Any]:
    return {"until": timezone.now() + timedelta(days=number)}


def cees_copy(scenario: Scenario) -> Message:
    return Message.objects.get(owner=scenario.cee)


def has_been_silent(scenario: Scenario) -> None:
    User.objects.filter(pk=scenario.cee.pk).update(joined_at=timezone.now() - timedelta(days=3))


def message(scenario: Scenario) -> dict[str, Any]:
    about = {"name": "Bob", "email": "bob@example.org", "subject": "tea", "text": "is cold"}
    return key() | about | {"member": scenario.bob}


ROWS = [
    Row(
        "publish", kwips.publish, lambda p: {"author": p.ann, "text": "more #tea"} | key(), "everyone ann tea"
    ),
    Row(
        "publish without a tag",
        kwips.publish,
        lambda p: {"author": p.bob, "text": "hm"} | key(),
        "everyone bob",
    ),
    Row(
        "publish for followers",
        kwips.publish,
        lambda p: {"author": p.ann, "text": "hush #tea", "followers_only": True} | key(),
        "ann",
    ),
    Row(
        "edit",
        kwips.edit,
        lambda p: {"kwip": p.kwip, "text": "no drink"},
        "everyone ann kwip comment tea milk",
    ),
    Row("import kwips", add_imported, lambda p: {"author": p.ann, "kwips": [imported()]}, "everyone ann tea"),
    Row("edit, new tag", kwips.edit, lambda p: {"kwip": p.other, "text": "#milk"}, "everyone bob other milk"),
    Row("edit to the same", kwips.edit, lambda p: {"kwip": p.kwip, "text": p.kwip.text}),
    Row("edit a comment", kwips.edit, lambda p: {"kwip": p.comment, "text": "#tea"}, "kwip comment milk tea"),
    Row("edit for followers", kwips.edit, lambda p: {"kwip": p.followers_only, "text": "#milk"}),
    Row("delete", kwips.delete, lambda p: {"kwip": p.kwip}, "everyone ann bob kwip comment tea milk"),
    Row(
        "delete a comment",
        kwips.delete,
        lambda p: {"kwip": p.comment},
        "everyone ann bob kwip comment tea milk",
    ),
    Row("delete for followers", kwips.delete, lambda p: {"kwip": p.followers_only}, "ann"),
    Row(
        "delete a favourite",
        kwips.delete,
        lambda p: {"kwip": p.other},
        "everyone ann bob other",
        first=lambda p: kwips.favourite(kwip=p.other, user=p.ann),
    ),
    Row(
        "comment",
        kwips.comment,
        lambda p: {"author": p.bob, "thread": p.kwip, "text": "and #milk"} | key(),
        "everyone ann bob kwip tea milk",
    ),
    Row(
        "comment for followers",
        kwips.comment,
        lambda p: {"author": p.ann, "thread": p.followers_only, "text": "#milk"} | key(),
        "ann",
    ),
    Row("answer a comment", kwips.comment, answer, "everyone ann bob kwip tea"),
    Row(
        "comment and track",
        kwips.comment,
        lambda p: {"author": p.cee, "thread": p.kwip, "text": "@bob", "track": True} | key(),
        "everyone ann kwip tea",
    ),
    Row(
        "delete an answered comment",
        kwips.delete,
        lambda p: {"kwip": p.comment},
        "everyone ann bob kwip comment tea milk",
        first=lambda p: kwips.comment(**answer(p)),
    ),
    Row("delete all", kwips.delete_all, lambda p: {"kwip_ids": [p.other.pk]}, "everyone bob other"),
    Row("delete a piece", kwips.delete_piece, lambda p: {"kwip_ids": [p.other.pk]}, "everyone bob other"),
    Row("delete some of", kwips.delete_some_of, lambda p: {"author_id": p.bob.pk}, "everyone bob other"),
    Row("favourite", kwips.favourite, likes, "everyone ann bob kwip tea"),
    Row("favourite a comment", kwips.favourite, likes_comment, "ann kwip comment milk"),
    Row("favourite again", kwips.favourite, likes, first=lambda p: kwips.favourite(**likes(p))),
    Row(
        "unfavourite",
        kwips.unfavourite,
        likes,
        "everyone ann bob kwip tea",
        first=lambda p: kwips.favourite(**likes(p)),
    ),
    Row(
        "unfavourite a comment",
        kwips.unfavourite,
        likes_comment,
        "ann kwip comment milk",
        first=lambda p: kwips.favourite(**likes_comment(p)),
    ),
    Row("unfavourite nothing", kwips.unfavourite, likes),
    # Writes of marks outside of `actions.py`. A share is on no page that is cached.
    Row("share", sharing.share, likes, "everyone ann kwip tea"),
    Row("share again", sharing.share, likes, first=lambda p: sharing.share(**likes(p))),
    Row(
        "unshare",
        sharing.unshare,
        likes,
        "everyone ann kwip tea",
        first=lambda p: sharing.share(**likes(p)),
    ),
    Row(
        "unshare what another one shares too",
        sharing.unshare,
        likes,
        "everyone ann kwip tea",
        first=lambda p: [sharing.share(kwip=p.kwip, user=user) for user in (p.bob, p.cee)],
    ),
    Row("unshare nothing", sharing.unshare, likes),
    Row(
        "share into a network",
        sharing.share,
        lambda p: {"kwip": p.other, "user": p.cee},
        "everyone bob other",
    ),
    Row(
        "delete a shared kwip",
        kwips.delete,
        lambda p: {"kwip": p.other},
        "everyone bob other",
        first=lambda p: sharing.share(kwip=p.other, user=p.cee),
    ),
    Row(
        "switch off who shares",
        accounts.switch_off,
        lambda p: {"people": [p.cee], "by": None},
        "people",
        first=lambda p: sharing.share(kwip=p.other, user=p.cee),
    ),
    Row("bookmark", bookmarks.bookmark, likes),
    Row("unbookmark", bookmarks.unbookmark, likes, first=lambda p: bookmarks.bookmark(**likes(p))),
    Row("follow", graph.follow, follows, "ann bob"),
    Row("follow again", graph.follow, follows, first=lambda p: graph.follow(**follows(p))),
    Row("unfollow", graph.unfollow, follows, "ann bob", first=lambda p: graph.follow(**follows(p))),
    Row("ask to follow", graph.follow, asks_cee, first=cee_is_private),
    Row("withdraw a request", graph.unfollow, asks_cee, first=asks),
    Row("accept a request", graph.accept, answers, "bob cee", first=asks),
    Row("refuse a request", graph.refuse, answers, first=asks),
    Row("accept all requests", graph.accept_all, lambda p: {"asked": p.cee}, "bob cee", first=asks),
    Row("go private", accounts.set_private, lambda p: {"user": p.bob, "is_private": True}, "bob"),
    Row(
        "go public",
        accounts.set_private,
        lambda p: {"user": p.bob, "is_private": False},
        "bob",
        first=lambda p: accounts.set_private(user=p.bob, is_private=True),
    ),
    Row(
        "make earlier kwips followers-only",
        narrowing.narrow.func,
        lambda p: {"person_id": p.ann.pk},
        "everyone ann kwip comment tea milk",
        first=lambda p: narrowing.begin(person=p.ann),
    ),
    Row("begin to make them followers-only", narrowing.begin, lambda p: {"person": p.ann}),
    Row("unfollow nobody", graph.unfollow, follows),
    Row("block", blocking.block, blocks),
    Row("block who follows", blocking.block, blocks, "ann bob", first=lambda p: graph.follow(**follows(p))),
    Row("block again", blocking.block, blocks, first=lambda p: blocking.block(**blocks(p))),
    Row("unblock", blocking.unblock, blocks, first=lambda p: blocking.block(**blocks(p))),
    Row(
        "mute",
        muting.mute_person,
        lambda p: {"muter": p.ann, "muted": p.bob, "ends_at": None, "is_muffled": False},
    ),
    Row("change a name", accounts.change_profile, profile(display_name="Bob"), "people"),
    Row("change a bio", accounts.change_profile, profile(bio="hi"), "bob bios"),
    Row("change pronouns", accounts.change_profile, profile(pronouns="she"), "bob"),
    Row("change a place", accounts.change_profile, profile(location="here"), "bob"),
    Row("change links", accounts.change_profile, links_somewhere, "bob"),
    Row("check links", links.check_due.func, lambda p: {}, first=has_a_link),
    Row("find that a page links back", finds_link_back, whole_scenario, "bob", first=has_a_link),
    Row("change nothing", accounts.change_profile, profile()),
    Row(
        "set a picture",
        accounts.change_picture,
        lambda p: {"user": p.bob, "picture": waiting(p.bob)},
        "people",
    ),
    Row(
        "remove a picture",
        accounts.change_picture,
        lambda p: {"user": p.bob, "picture": None},
        "people",
        first=has_a_picture,
    ),
    Row(
        "set a header",
        accounts.change_header_picture,
        lambda p: {"user": p.bob, "picture": waiting(p.bob, Shape.WIDE)},
        "bob",
    ),
    Row("choose a face", accounts.choose_face, lambda p: {"user": p.bob, "code": "a1120"}, "people"),
    Row("ask about pictures", accounts.set_alt_reminder, lambda p: {"user": p.bob, "reminds_alt": True}),
    Row("switch formatting off", accounts.set_formatting, lambda p: {"user": p.bob, "formats_texts": False}),
    Row("switch keys off", accounts.set_shortcuts, lambda p: {"user": p.bob, "has_shortcuts": False}),
    Row("get an address for mail", inbound.switch_on, an_address),
    Row("switch the address off", inbound.switch_off, lambda p: {"user": p.bob}, first=has_an_address),
    Row("use the address", inbound.mark_used, lambda p: {"user": p.bob}, first=has_an_address),
    Row("read a mail", inbound.mark_seen, lambda p: {"key": uuid.uuid4(), "user": p.bob}),
    Row("sweep mails", inbound.sweep, lambda p: {}, first=has_read_mail),
    Row("use a code", factors.use_code, a_recovery_code),
    Row("make a token", tokens.make, a_token),
    Row("use a token", tokens.note_used, lambda p: {"token": Token.objects.get()}, first=makes_a_token),
    Row(
        "revoke a token",
        tokens.revoke,
        lambda p: {"owner": p.bob, "token_id": Token.objects.get().pk},
        first=makes_a_token,
    ),
    Row("revoke all", tokens.revoke_all, lambda p: {"owner": p.bob}, first=makes_a_token),
    Row(
        "upload a picture",
        pictures.upload,
        lambda p: {"owner": p.bob, "file": SimpleUploadedFile("a.png", made.encoded(made.noise(90, 60)))},
        durable=True,
    ),
    Row("use a picture", pictures.use, bobs_pictures, first=uploads),
    Row("keep it for long", pictures.keep, lambda p: {**bobs_pictures(p), **in_days(3)}, first=uploads),
    Row("let it wait", pictures.wait, lambda p: {**bobs_pictures(p), **in_days(2)}, first=uploads),
    Row(
        "say what is to be seen",
        pictures.describe,
        lambda p: {"owner": p.bob, "name": Picture.objects.get().name, "alt": "a cup"},
        first=uploads,
    ),
    Row("give it up", pictures.release, lambda p: {"pictures": Picture.objects.all()}, first=uses),
    Row("choose a language", accounts.choose_language, lambda p: {"user": p.bob, "language": "de"}),
    Row("switch off", accounts.switch_off, lambda p: {"people": [p.bob], "by": None}, "people"),
    Row(
        "switch on",
        accounts.switch_on,
        lambda p: {"people": [p.bob], "by": None},
        "people",
        first=lambda p: accounts.switch_off(people=[p.bob], by=None),
    ),
    Row("rename", names.rename, lambda p: {"user_id": p.bob.pk, "username": "robert"}, "people"),
    Row("pin", pins.pin, owns, "ann"),
    Row("pin again", pins.pin, owns, first=lambda p: pins.pin(**owns(p))),
    Row("unpin", pins.unpin, owns, "ann", first=lambda p: pins.pin(**owns(p))),
    Row("unpin another one", pins.unpin, owns),
    Row(
        "delete a pinned kwip",
        kwips.delete,
        lambda p: {"kwip": p.kwip},
        "everyone ann bob kwip comment tea milk",
        first=lambda p: pins.pin(**owns(p)),
    ),
    Row("count thanks", thanks.count.func, lambda p: {"person_id": p.ann.pk}, first=wants_thanks),
    Row("choose the kwip of the day", of_the_day.choose, chosen, "day"),
    Row("choose it again", of_the_day.choose, chosen, first=chooses),
    Row("dismiss the kwip of the day", of_the_day.dismiss, chosen, "day", first=chooses),
    Row("dismiss another one", of_the_day.dismiss, lambda p: chosen(p) | {"kwip": p.kwip}, first=chooses),
    Row(
        "delete the kwip of the day", kwips.delete, lambda p: {"kwip": p.other}, "everyone bob other", chooses
    ),
    Row(
        "edit the kwip of the day",
        kwips.edit,
        lambda p: {"kwip": p.other, "text": "new"},
        "everyone bob other",
        chooses,
    ),
    Row(
        "hide the kwip of the day",
        accounts.switch_off,
        lambda p: {"people": [p.bob], "by": None},
        "people",
        chooses,
    ),
    Row("find active people", find_active_and_busy.func, lambda p: {}, "directory"),
    Row("find the same", find_active_and_busy.func, lambda p: {}, first=finds_active),
    Row("suggest people", suggest.func, lambda p: {}, first=cee_could_follow_bob),
    Row("announce", announces, whole_scenario, "announced"),
    Row("rewrite the rules", rewrites_the_rules, whole_scenario, "rules"),
    Row("change who may sign up", changes_sign_up, whole_scenario, first=announces),
    Row("join by an invitation", joins_invited, whole_scenario, "names ann", first=is_invited),
    Row("apply", applies, whole_scenario),
    Row("write to the operators", contact.receive, message, durable=True),
    Row("count reports", cspreports.count, lambda p: {"kinds": [Violated("img-src", "evil.example", "")]}),
    Row("see notices", notices.mark_seen, lambda p: {"user": p.ann}),
    Row("clear notices", notices.clear, lambda p: {"user": p.ann, "newest": 2**60}),
    Row(
        "see messages",
        notices.see_messages,
        lambda p: {"user": p.cee, "sender_id": p.ann.pk},
        first=writes_to_cee,
    ),
    Row("visit", notices.visit, lambda p: {"user": p.ann, "thread_id": p.kwip.pk}),
    Row(
        "notify of a fact",
        notices.notify,
        lambda p: {"kind": KINDS["follow"], "draft": Draft([p.bob.pk], p.cee.pk)},
    ),
    Row(
        "notify of a comment",
        notices.notify_commented.func,
        lambda p: {"comment_id": p.comment.pk, "thread_id": p.kwip.pk},
        first=has_no_notices,
    ),
    Row(
        "notify of mentions",
        notices.notify_mentions,
        lambda p: {"kwip": Kwip.objects.get(pk=p.other.pk)},
        first=mentions_ann,
    ),
    Row(
        "write to members",
        notices.write_to_members,
        lambda p: {"message": OperatorMessage(text="hello"), "recipients": [p.ann.pk]},
    ),
    Row("delete notices", notices.delete, lambda p: {"kwips": [p.kwip]}),
    Row("mail notices", mail_notices.func, mailed, first=waits_for("mail")),
    Row("send digests", send_due.func, lambda p: {}, first=waits_for("digest")),
    Row(
        "choose channels",
        preferences.change,
        lambda p: {
            "user": p.ann,
            "channels": {"follow": "mail"},
            "digest": "weekly",
            "hour": 9,
            "time_zone": "UTC",
        },
    ),
    Row("stop mail", unsubscribe.end, lambda p: {"subscription": Subscription(p.ann.pk, kind="comment")}),
    Row("try an address again", preferences.try_again, lambda p: {"user": p.ann}, first=is_refused),
    Row("sweep notices", notices.sweep, lambda p: {}, first=ages),
    Row("sweep mutes", muting.sweep, lambda p: {}, first=ended),
    Row(
        "keep a draft",
        drafts.save,
        lambda p: {"owner": p.ann, "fields": {"text": ["half"]}, "form_key": uuid.uuid4()},
    ),
    Row(
        "schedule it", drafts.schedule, lambda p: {**anns_draft(p), "publish_at": timezone.now()}, first=keeps
    ),
    Row("cancel it", drafts.cancel, anns_draft, first=schedules),
    Row("throw it away", drafts.delete, anns_draft, first=keeps),
    Row(
        "publish the form of a draft",
        drafts.forget_published,
        lambda p: {
            "owner_id": p.ann.pk,
            "form_key": KeptDraft.objects.get().form_key,
            "version": 1,
            "text": "half",
        },
        first=keeps,
    ),
    Row("write a message", messages.send, to_cee),
    Row("read it", messages.read, lambda p: {"user": p.cee, "other": p.ann}, first=writes_to_cee),
    Row(
        "delete a message",
        messages.delete_message,
        lambda p: {"owner": p.cee, "other": p.ann, "message_id": cees_copy(p).pk},
        first=writes_to_cee,
    ),
    Row(
        "delete a conversation",
        messages.delete_conversation,
        lambda p: {"owner": p.ann, "other": p.cee, "newest": 2**60},
        first=writes_to_cee,
    ),
    Row(
        "take no messages",
        messages.prefer,
        lambda p: {"user": p.bob, "takes_messages": False, "takes_buzzes": True},
    ),
    Row("buzz", messages.buzz, lambda p: {"buzzer": p.ann, "buzzed": p.cee}, first=has_been_silent),
    Row("report a kwip", moderation.report, reports),
    Row("hide a kwip", moderation.act, acts(What.HIDE), "people", first=is_reported),
    Row("limit a person", moderation.act, acts(What.LIMIT), "people", first=is_reported),
    Row("warn", moderation.act, acts(What.WARN), first=is_reported),
    Row("limit", accounts.limit, lambda p: {"person": p.ann, "is_limited": True}, "people"),
    Row("note", moderation.note, lambda p: {"person": p.ann, "writer": p.bob, "text": "hm"}),
    Row(
        "read a warning",
        moderation.read_warnings,
        lambda p: {"person": p.ann, "upto": 2**60},
        first=is_warned,
    ),
    Row(
        "appeal",
        moderation.appeal,
        lambda p: {"action": Action.objects.get(), "words": "hm"},
        first=is_warned,
    ),
    Row("hold a kwip", holding.hold, lambda p: {"kwip": p.kwip}, "people"),
    Row("requeue a command", commandqueue.requeue, commands, first=a_command(State.DEAD)),
    Row("discard a command", commandqueue.discard, commands, first=a_command(State.DEAD)),
    Row("purge commands", commandqueue.purge, lambda p: {"older_than": 30.0}, first=a_command(State.DONE)),
    # Writes outside of `actions.py`: tracking, accounts, and the admin.
    Row("track", set_tracking, lambda p: {"kwip": p.kwip, "user": p.bob, "is_on": True}),
    Row("no longer track", set_tracking, lambda p: {"kwip": p.kwip, "user": p.ann, "is_on": False}),
    Row("leave", leaving.leave, lambda p: {"user": p.bob}, "people"),
    Row(
        "come back",
        leaving.come_back,
        lambda p: {"leaving": Leaving.objects.get(user=p.bob)},
        "people",
        first=lambda p: leaving.leave(user=p.bob),
    ),
    Row("delete an account", erasing.erase_due.func, lambda p: {}, "people", first=is_due),
    Row("deactivate", deactivates, whole_scenario, "people"),
    Row("rename in the admin", admin_saves, lambda p: {"person": p.bob, "username": "robert"}, "people"),
    Row("name in the admin", admin_saves, lambda p: {"person": p.bob, "display_name": "Bob"}, "people"),
    Row("bio in the admin", admin_saves, lambda p: {"person": p.bob, "bio": "hi"}, "people"),
    # A save of a whole person does not name the changed field, so it purges more than needed.
    Row("save nothing in the admin", admin_saves, lambda p: {"person": p.bob}, "people"),
    Row(
        "sign up",
        User.objects.create_user,
        lambda p: {"username": "dee", "email": "dee@example.org"},
        "names",
    ),
    Row("sign in", signs_in, whole_scenario),
    Row("change a password", changes_password, whole_scenario),
    Row("look around", looks_around, whole_scenario),
]


def public_functions() -> Iterator[Callable[..., object]]:
    """The public functions of every `actions.py`."""
    for path in sorted((settings.BASE_DIR / "apps").glob("*/actions.py")):
        module = importlib.import_module(f"apps.{path.parent.name}.actions")
        for name, function in inspect.getmembers(module, inspect.isroutine):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield function


def everything_stored() -> list[Any]:
    """Every row of the site's own tables, and of second factors."""
    own = [model for model in apps.get_models() if model.__module__.startswith(("apps.", "allauth.mfa."))]
    return [sorted(map(repr, model._base_manager.values_list())) for model in own]
