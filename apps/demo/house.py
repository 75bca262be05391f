"""The house of the demo community: its account, its letter, greetings, announcement, invitations, applicants.

And what the demo account shares, keeps, mutes and says of itself, and who shares a kwip of it.
"""

import datetime
import uuid
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.models import Application, Invitation, ProfileLink, User
from apps.demo.builder import DEMO
from apps.directory.models import FirstFollow
from apps.directory.tasks import find_active_and_busy
from apps.graph import muting
from apps.graph.models import Follow
from apps.kwips import actions, bookmarks, of_the_day, pins, sharing
from apps.kwips.greeting import form_key_for
from apps.kwips.models import Kwip, Share
from apps.kwips.muted_words import parse
from apps.policy.models import SitePolicy

HOUSE = "kwippy"
GREETING = "welcome, {name} :) make yourself at home. the kettle is on, and nobody counts words here."
ANNOUNCEMENT = "this is a demo community: be anyone you like in it. happy kwipping :)"
# The kwip that shows what a long one looks like.
LETTER = (Path(__file__).parent / "letter.txt").read_text().strip()
APPLICANTS = (
    ("lantern_fish", "i draw fish that glow, mostly at night. a friend reads me your kwips aloud."),
    ("tea_at_noon", "i write long mails to people who answer short. here seems to be the other way round?"),
)
OWN_SITE = "https://kwippy.example/"
ELSEWHERE = "https://trains.example/timetable"
_GREETED = 12
_KEPT = 11
_SHARERS = 2
_MUTED_WORD = "rain"


def furnish(*, until: datetime.datetime) -> None:
    """Adds all of it to a community that was just generated up to ``until``, in the caller's transaction."""
    house = User.objects.filter(username=HOUSE).first()
    if house is None:
        house = User(username=HOUSE, email=f"{HOUSE}@kwippy.example", display_name="kwippy")
        house.bio = "the house speaking. i say hello to everyone once."
        house.set_unusable_password()
        house.save()
        User.objects.filter(pk=house.pk).update(joined_at=User.objects.earliest("pk").joined_at)
    demo = User.objects.get(username=DEMO)
    newest = list(User.objects.filter(kwips_count__gt=0).exclude(pk=demo.pk).order_by("-pk")[:_GREETED])
    SitePolicy(
        greeter=house,
        greeting=GREETING,
        announcement=ANNOUNCEMENT,
        announcement_until=timezone.now() + datetime.timedelta(days=7),
    ).save()
    form_key = uuid.uuid5(uuid.NAMESPACE_URL, OWN_SITE)  # the same in each community
    letter = actions.publish(author=house, text=LETTER, form_key=form_key).kwip
    Kwip.objects.filter(pk=letter.pk).update(created_at=until, last_active_at=until)
    _greet(house, newest)
    _invite(demo, newest[0] if newest else None)
    _share_and_keep(demo, until)
    _mute(demo)
    if (kwip := _liked().select_related("author").first()) is not None:
        of_the_day.choose(kwip=kwip, by=house)
    _show_people(demo, house)
    Application.objects.bulk_create(
        Application(username=name, email=f"{name}@kwippy.example", words=words) for name, words in APPLICANTS
    )


def _greet(house: User, people: list[User]) -> None:
    """Five minutes after each first kwip that has no comment and that everyone may read."""
    for person in people:
        first = Kwip.objects.filter(author=person, thread=None).order_by("pk").first()
        if first is None or first.followers_only or first.comments_count:
            continue
        text = GREETING.replace("{name}", f"@{person.username}")
        made = actions.comment(author=house, thread=first, text=text, form_key=form_key_for(person.pk)).kwip
        moment = first.created_at + datetime.timedelta(minutes=5)
        Kwip.objects.filter(pk=made.pk).update(created_at=moment)
        Kwip.objects.filter(pk__in=(made.pk, first.pk)).update(last_active_at=moment)


def _share_and_keep(demo: User, until: datetime.datetime) -> None:
    """The account shares two well-liked kwips of others, and has bookmarks of some more.

    Followers share the kwip of it that is liked best.
    """
    of_others = _liked().exclude(author=demo)
    for kwip in of_others[1:3]:
        _share(kwip, demo, until)
    for kwip in of_others[3:_KEPT]:
        bookmarks.bookmark(kwip=kwip, user=demo)
    follows = Follow.objects.filter(followee=demo).select_related("follower").order_by("pk")
    for kwip in _liked().filter(author=demo)[:1]:
        for follow in follows[:_SHARERS]:
            _share(kwip, follow.follower, until)


def _mute(demo: User) -> None:
    """The account muffles a word, and silences the last person whom it began to follow."""
    muting.mute_word(muter=demo, **parse(_MUTED_WORD)._asdict(), ends_at=None, is_muffled=True)
    if (last := Follow.objects.filter(follower=demo).select_related("followee").last()) is not None:
        muting.mute_person(muter=demo, muted=last.followee, ends_at=None, is_muffled=False)


def _share(kwip: Kwip, sharer: User, moment: datetime.datetime) -> None:
    sharing.share(kwip=kwip, user=sharer)
    Share.objects.filter(kwip=kwip, sharer=sharer).update(created_at=moment)


def _show_people(demo: User, house: User) -> None:
    """What the account says of itself, its pinned kwip, and the lists of people and tags."""
    User.objects.filter(pk=demo.pk).update(pronouns="they/them", location="by the kettle")
    # Not checked before a week is over: the demo calls no one.
    later = timezone.now() + datetime.timedelta(days=7)
    for position, (url, verified_at) in enumerate([(OWN_SITE, timezone.now()), (ELSEWHERE, None)]):
        ProfileLink.objects.create(
            person=demo, position=position, url=url, verified_at=verified_at, check_at=later
        )
    if (kwip := _liked().filter(author=demo).first()) is not None:
        pins.pin(kwip=kwip, user=demo)
    FirstFollow.objects.create(person=house)
    find_active_and_busy.func()


def _liked() -> QuerySet[Kwip]:
    """The kwips for everyone, those with most favourites first."""
    return Kwip.objects.filter(thread=None, audience=None).order_by("-favourites_count", "-pk")


def _invite(demo: User, taken_by: User | None) -> None:
    """One open invitation, and one that brought someone."""
    for note, guest in (("come and see, there is tea :)", taken_by), ("you'd like the trains here", None)):
        invitations.invite(inviter=demo, note=note, form_key=uuid.uuid4())
        if guest is not None:
            Invitation.objects.filter(inviter=demo, note=note).update(taken_by=guest)
