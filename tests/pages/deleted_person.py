"""A person who did everything that the site offers, and the search for what is left of them."""

import uuid
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps import limits
from apps.accounts import actions as accounts
from apps.accounts import invitations, names
from apps.accounts.models import Application, FactorReset, Invitation, ProfileLink, SignUp, User
from apps.archive import exporting, importing
from apps.archive.models import Export, Import
from apps.commandqueue.core.erasing import _text
from apps.commandqueue.models import Command
from apps.contact.actions import receive
from apps.directory.models import ActivePerson, FirstFollow, Suggestion
from apps.drafts import actions as drafts
from apps.feeds import previews
from apps.graph import muting
from apps.graph.actions import follow
from apps.graph.models import Block, Follow, FollowRequest, Mute
from apps.inbound import actions as inbound
from apps.kwips import actions, bookmarks, of_the_day, pins, sharing, thanks
from apps.kwips.models import Favourite, Kwip, Narrowing
from apps.kwips.queries import cards
from apps.kwips.tracking import set_tracking
from apps.kwips.visibility import Visible
from apps.messages import actions as messages
from apps.messages.models import Buzz
from apps.messages.models import Message as PrivateMessage
from apps.messages.models import Report as EarlierReport
from apps.moderation import actions as moderation
from apps.moderation import cases
from apps.moderation.models import FactorDuty, Reason, Warning, What
from apps.notifications.models import OperatorMessage, Preferences
from apps.pictures.models import Shape
from apps.policy.models import BlockedDomain, BlockedNetwork, SitePolicy
from apps.tokens.models import Scope, Token
from tests.invalidation.scenario import reply, write
from tests.support.people import PASSWORD, member
from tests.support.pictures import waiting

CANARY = "zanarquee"
NUMBER = 987_654_321  # the person's id: no other number of the database looks like it


class Person:
    """``user``, whose every text has the canary, among ``bob``, ``cee`` and the operator ``opera``."""

    def __init__(self) -> None:
        self.bob, self.cee = member("bob"), member("cee")
        self.opera = member("opera", is_staff=True, is_superuser=True)
        self.user = User.objects.create_user(
            f"{CANARY}_old", f"{CANARY}@example.org", PASSWORD, id=NUMBER, bio=f"{CANARY} bio",
            display_name=f"{CANARY} shown", pronouns=f"{CANARY}self", location=f"{CANARY}land",
        )  # fmt: skip
        names.rename(user_id=NUMBER, username=CANARY)
        self.user.refresh_from_db()
        self.browser = Client(headers={"user-agent": f"{CANARY} browser"})
        for email, is_primary in ((f"{CANARY}@example.org", True), (f"Second.{CANARY}@example.org", False)):
            EmailAddress.objects.create(user=self.user, email=email, verified=True, primary=is_primary)
        content = b"a picture of " + CANARY.encode()
        accounts.change_picture(user=self.user, picture=waiting(self.user, content=content))
        header = waiting(self.user, Shape.WIDE, content=content)
        accounts.change_header_picture(user=self.user, picture=header)
        waiting(self.user, Shape.WHOLE, content=content)
        self.user.refresh_from_db()
        self.browser.post("/accounts/login/", {"login": CANARY, "password": PASSWORD})
        self.know_people()
        self.write()
        self.draft()
        self.choose()
        self.join_and_invite()
        self.post_by_mail()
        self.operate()
        self.moderate()
        self.export_and_import()
        self.be_counted_and_mailed()

    def know_people(self) -> None:
        for other in (self.bob, self.cee):
            follow(follower=self.user, followee=other)
            follow(follower=other, followee=self.user)
        follow(follower=self.bob, followee=self.cee)
        for one, two in ((self.user, self.opera), (self.opera, self.user)):
            Mute.objects.create(muter=one, muted=two)
            Block.objects.create(blocker=one, blocked=two)
            Buzz.objects.create(buzzer=one, buzzed=two)
            FollowRequest.objects.create(asker=one, asked=two)
            Suggestion.objects.create(member=one, place=1, person=two, followed_by=1)
        for one, two in ((self.user, self.bob), (self.bob, self.user)):
            text = f"{CANARY} writes" if one == self.user else "to you"
            messages.send(sender=one, recipient=two, text=text, form_key=uuid.uuid4())
            received = PrivateMessage.objects.filter(owner=two, other=one, is_mine=False).latest("pk")
            self.report(cases.of_message(received), by=two)
            EarlierReport.objects.create(
                message_id=received.pk, reporter=two, writer=one, text=text, sent_at=timezone.now(),
                note=f"{CANARY} note" if two == self.user else "hm",
            )  # fmt: skip
        messages.prefer(user=self.user, takes_messages=True, takes_buzzes=False)
        Preferences.objects.create(user=self.user, refused_reply=CANARY)

    def report(self, thing: cases.Thing, *, by: User) -> None:
        words = f"{CANARY} note" if by == self.user else "hm"
        moderation.report(thing=thing, reporter=by, reason=Reason.OTHER, words=words)

    def write(self) -> None:
        self.kwips = [write(self.user, f"{CANARY} #tea {number}") for number in range(3)]
        secret = write(self.user, f"{CANARY} for followers", followers_only=True)
        actions.edit(kwip=self.kwips[0], text=f"{CANARY} edited #tea @bob")
        actions.delete(kwip=write(self.user, CANARY))
        actions.delete(kwip=reply(self.bob, secret, "below, deleted"))
        self.bobs = write(self.bob, f"@{CANARY} and @cee, #tea?")
        self.mention = write(self.cee, f"as @{CANARY} says #tea")
        self.comment = reply(self.user, self.bobs, f"{CANARY} comments")
        for thread in (*self.kwips, secret):
            reply(self.bob, thread, "below it")
        actions.comment(
            author=self.cee, thread=self.bobs, text="to you", answers=self.comment, form_key=uuid.uuid4()
        )
        for one, kwip in ((self.user, self.bobs), (self.bob, self.kwips[0]), (self.cee, self.kwips[0]),
                          (self.cee, self.bobs), (self.bob, self.comment)):  # fmt: skip
            actions.favourite(kwip=kwip, user=one)
            bookmarks.bookmark(kwip=kwip, user=one)
            set_tracking(kwip=kwip, user=one, is_on=True)
            if kwip.thread_id is None:
                sharing.share(kwip=kwip, user=one)
        shown = previews.of_kwip(cards([Visible(self.kwips[0].pk)])[0])
        previews.draw.call([shown.site, shown.username, shown.name, shown.words, "", shown.face])

    def draft(self) -> None:
        for text in (f"{CANARY} half", f"{CANARY} later"):
            kept = drafts.save(owner=self.user, fields={"text": [text]}, form_key=uuid.uuid4()).draft
        at = timezone.now() + timedelta(days=1)
        drafts.schedule(owner=self.user, draft_id=kept.pk, publish_at=at)

    def choose(self) -> None:
        """What stands on their page, and what they do not want to read."""
        ProfileLink.objects.create(person=self.user, position=0, url=f"https://{CANARY}.example/")
        pins.pin(kwip=self.kwips[0], user=self.user)
        thanks.show(user=self.user)
        Narrowing.objects.create(person=self.user, before=0, total=4, finished_at=timezone.now())
        for muter, kwip in ((self.user, self.bobs), (self.cee, self.kwips[0])):
            until: dict[str, Any] = {"ends_at": None, "is_muffled": True}
            muting.mute_conversation(muter=muter, kwip_id=kwip.pk, **until)
            muting.mute_word(muter=muter, word="Gin", folded="gin", is_tag=False, **until)
        muting.mute_word(muter=self.user, word=CANARY, folded=CANARY, is_tag=False, **until)

    def post_by_mail(self) -> None:
        inbound.switch_on(user=self.user, form_key=uuid.uuid4(), tell=lambda owner: None)
        inbound.mark_seen(key=uuid.uuid4(), user=self.user)

    def join_and_invite(self) -> None:
        Token.objects.create(owner=self.user, name=f"{CANARY} script", scopes=Scope.WRITE_KWIPS, digest="0")
        kept = {"seed": f"{CANARY} seed", "used_mask": 0}
        Authenticator.objects.create(user=self.user, type=Authenticator.Type.RECOVERY_CODES, data=kept)
        invitations.invite(inviter=self.user, note=f"{CANARY} invites", form_key=uuid.uuid4())
        invitations.invite(inviter=self.bob, note="come", form_key=uuid.uuid4())
        Invitation.objects.filter(inviter=self.bob).update(taken_by=self.user)
        of = {"username": f"{CANARY}_old", "email": self.user.email}
        SignUp.objects.create(**of, user=self.user)
        SignUp.objects.create(**of, words=CANARY)
        Application.objects.create(**of, words=CANARY, refused_at=timezone.now())
        receive(form_key=uuid.uuid4(), name=CANARY, email="e@example.org", subject=CANARY, text=CANARY,
                member=self.user)  # fmt: skip
        receive(form_key=uuid.uuid4(), name="me", email=self.user.email, subject="hm", text="hm")

    def operate(self) -> None:
        """They were an operator once, and operators chose and named them."""
        self.user.groups.add(Group.objects.get_or_create(name="operators")[0])
        self.user.user_permissions.add(Permission.objects.all()[0])
        FactorDuty.objects.create(person=self.user)
        for one, two in ((self.user, self.opera), (self.bob, self.user)):
            FactorReset.objects.create(user=one, asked_by=two, due_at=timezone.now() + timedelta(days=3))
        SitePolicy(greeter=self.user, greeting="hi {name}").save()
        OperatorMessage.objects.create(text="we move", written_by=self.user)
        kind = ContentType.objects.get_for_model(User)
        entry: dict[str, Any] = {"content_type": kind, "action_flag": CHANGE}
        LogEntry.objects.create(user=self.user, object_id="1", object_repr="bob", **entry)
        LogEntry.objects.create(user=self.opera, object_id=str(NUMBER), object_repr=f"{CANARY}_old", **entry)
        first = FirstFollow.objects.create(person=self.user, place=1)
        ActivePerson.objects.create(person=self.user, place=1)
        of_the_day.choose(kwip=self.kwips[0], by=self.opera)
        BlockedDomain.objects.create(
            value="spam.example", reason=f"see {settings.SITE_URL}/{CANARY}_old/kwip/3/"
        )
        BlockedNetwork.objects.create(value="192.0.2.0/24", reason=f"{CANARY}@example.org's")
        entry["content_type"] = ContentType.objects.get_for_model(FirstFollow)
        LogEntry.objects.create(user=self.opera, object_id=str(first.pk), object_repr=str(first), **entry)
        said = f"Began to remove 3 kwips and comments, found by @{CANARY}."
        LogEntry.objects.create(user=self.opera, action_flag=CHANGE, object_repr="kwip", change_message=said)

    def moderate(self) -> None:
        """As a moderator, and as the person and the reporter of cases."""
        for thing, by in (
            (cases.of_person(self.user), self.bob), (cases.of_kwip(self.comment), self.cee),
            (cases.of_kwip(self.bobs), self.user), (cases.of_person(self.cee), self.bob),
        ):  # fmt: skip
            self.report(thing, by=by)
        words = f"what @{CANARY} ({settings.SITE_URL}/{CANARY}/) said"
        for by, person in ((self.opera, self.user), (self.user, self.bob), (self.opera, self.bob)):
            moderation.note(person=person, writer=by, text=words if by == self.opera else "hm")
            reason: dict[str, Any] = {"reason": Reason.OTHER, "words": words}
            warned = moderation.act(what=What.WARN, person=person, by=by, **reason)
            moderation.appeal(action=warned, words=words)
            last = Warning.objects.latest("pk")
            Warning.objects.filter(pk=last.pk).update(text=words)
            moderation.read_warnings(person=person, upto=last.pk)

    def export_and_import(self) -> None:
        export, _ = exporting.ask(person=self.user)
        while Export.objects.get(pk=export.pk).state == Export.State.MAKING:
            exporting.make.call(export.pk)
        upload = SimpleUploadedFile("x.csv", f"{CANARY}@localhost\n".encode())
        importing.receive(person=self.user, kind=Import.Kind.FOLLOWS, upload=upload)

    def be_counted_and_mailed(self) -> None:
        limits.hit("publish", NUMBER)
        self.browser.get("/accounts/email/")
        self.browser.post("/accounts/email/", {"action_add": "", "email": f"third.{CANARY}@example.org"})
        EmailMessage("hi", "tea", "a@example.org", [self.user.email]).send()
        EmailMessage("hi", f"ünder @{CANARY} " * 30, "a@example.org", ["bob@example.org"]).send()
        EmailMessage("hi", f"{settings.SITE_URL}/{CANARY}/", "a@example.org", ["cee@example.org"]).send()
        EmailMessage("tea?", "the kettle is on", "a@example.org", ["cee@example.org"]).send()
        # They wait for their time: no worker sends them in this test.
        Command.objects.filter(kind="mail").update(due_at=timezone.now() + timedelta(days=1))


def unreferred() -> set[str]:
    """The columns of all models that can refer to a user, and that do not refer to the person."""
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if field.related_model is User and not model._base_manager.filter(**{field.name: NUMBER}).exists()
    }


def found_in_tables() -> dict[str, list[str]]:
    """The columns of the database that have the canary or the id, with the rows' texts."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(
                f'SELECT {text} FROM "{table}" WHERE {text} ~* %s', [rf"{CANARY}|(^|\D){NUMBER}(\D|$)"]
            )
            if rows := cursor.fetchall():
                found[f"{table}.{column}"] = [row[0] for row in rows]
    encoded = {
        "mail": [_text(bytes(body)) for body in Command.objects.values_list("body", flat=True) if body],
        "sessions": [str(session.get_decoded()) for session in Session.objects.all()],
    }
    for place, texts in encoded.items():
        if hits := [text for text in texts if CANARY in text or str(NUMBER) in text]:
            found[place] = hits
    return found


def recounted() -> None:
    """Every counter of a person and of a kwip is what a recount says."""
    for user in User.objects.all():
        written = Kwip.objects.filter(author=user)
        assert user.kwips_count == written.filter(thread=None).count(), user
        assert user.comments_count == written.exclude(thread=None).count(), user
        assert user.favourites_count == Favourite.objects.filter(user=user).count(), user
        assert user.followers_count == Follow.objects.filter(followee=user).count(), user
        assert user.following_count == Follow.objects.filter(follower=user).count(), user
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.id FROM kwips_kwip k WHERE (k.comments_count, k.favourites_count, k.shares_count)"
            " <> ((SELECT count(*) FROM kwips_kwip c WHERE c.thread_id = k.id),"
            "     (SELECT count(*) FROM kwips_favourite f WHERE f.kwip_id = k.id),"
            "     (SELECT count(*) FROM kwips_share s WHERE s.kwip_id = k.id))"
        )
        assert cursor.fetchall() == []
