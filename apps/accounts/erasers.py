"""What accounts delete of a person, besides the rows that refer to them by a foreign key (`erasing`)."""

import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps import limits
from apps.accounts import avatars, erasing, leaving, names
from apps.accounts.identity import REPLACEMENT, identity, leave_out
from apps.accounts.models import Application, FormerName, Leaving, SignUp, User
from apps.commandqueue.core import erasing as commandqueue
from apps.limits.models import CacheEntry
from apps.pictures import sweeping as pictures
from apps.policy.models import BlockedDomain, BlockedNetwork, SitePolicy

# What was enqueued up to so long after the account was hidden can be about the person.
IN_FLIGHT = datetime.timedelta(minutes=1)


def erase_pictures(person_id: int, limit: int) -> int:
    """Files before rows: if this is interrupted, the next run has the names."""
    return pictures.delete_of(person_id, limit) or _erase_old_picture(person_id)


@transaction.atomic
def _erase_old_picture(person_id: int) -> int:
    shows = ~Q(picture="", header_picture="")
    person = User.objects.select_for_update(no_key=True).filter(shows, pk=person_id).first()
    if person is None:
        return 0
    avatars.remove(person.picture)  # one from before `apps.pictures` has no row there
    return User.objects.filter(pk=person_id).update(picture="", header_picture="")


@transaction.atomic
def erase_sessions(person_id: int, limit: int) -> int:
    return leaving.end_sessions(person_id, limit)


@transaction.atomic
def erase_joining(person_id: int, limit: int) -> int:
    """Refused applications and sign-ups that have the person's name or address."""
    known = identity(person_id)
    same = Q(email__in=known.addresses) | Q(username__in=known.names)
    return sum(
        rows.filter(pk__in=list(rows.filter(same).values_list("pk", flat=True)[:limit])).delete()[0]
        for rows in (Application.objects.all(), SignUp.objects.filter(user=None))
    )


@transaction.atomic
def erase_policy(person_id: int, _limit: int) -> int:
    """The house account. `save` invalidates the cached policy."""
    policy = SitePolicy.objects.select_for_update().filter(greeter=person_id).first()
    if policy is None:
        return 0
    policy.greeter = None
    policy.save()
    return 1


@transaction.atomic
def erase_admin_log(person_id: int, limit: int) -> int:
    """The admin's entries about the person stay, without their names and id."""
    known = identity(person_id)
    if not known.names:
        return 0
    kinds = ContentType.objects.get_for_models(User, EmailAddress)
    about = Q(content_type=kinds[User], object_id=str(person_id))
    about |= Q(content_type=kinds[EmailAddress], object_repr__iregex=known.words)
    ids = list(LogEntry.objects.filter(about).values_list("pk", flat=True)[:limit])
    number = LogEntry.objects.filter(pk__in=ids).update(object_id=None, object_repr=REPLACEMENT)
    return number + leave_out(known.words, LogEntry.objects.all(), limit, "object_repr", "change_message")


def erase_reasons(person_id: int, limit: int) -> int:
    """Why operators blocked a domain or network, if it names the person."""
    known = identity(person_id)
    if not known.names:
        return 0
    tables = (BlockedDomain.objects.all(), BlockedNetwork.objects.all())
    return sum(leave_out(known.references, rows, limit, "reason") for rows in tables)


def erase_limits(person_id: int, _limit: int) -> int:
    """The counts of what the person did, and allauth's. Those of networks are hashed, and expire."""
    of_allauth = CacheEntry.objects.filter(cache_key__regex=rf":user:{person_id}(:|$)")
    return limits.forget(person_id) + limits.forget("user", person_id) + of_allauth.delete()[0]


def erase_commands(person_id: int, limit: int) -> int:
    """Mail to the person or about them, and finished tasks. Raises `Postponed` while one is in use."""
    due, known = Leaving.objects.filter(pk=person_id).first(), identity(person_id)
    if due is None or not known.names:  # another worker has deleted the user
        return 0
    links = [f"{settings.SITE_URL}/{name}/" for name in known.names]
    person = commandqueue.Person(person_id, known.names, known.addresses, links)
    erased = commandqueue.erase(person, before=due.due_at + IN_FLIGHT, limit=limit)
    if erased.in_use:
        raise erasing.Postponed
    return erased.number


@transaction.atomic
def erase_former_names(person_id: int, limit: int) -> int:
    """Former names lead nowhere from now on, and stay reserved until their time."""
    former = list(FormerName.objects.filter(user=person_id)[:limit])
    for name in former:
        if name.kept_until > timezone.now():
            names.reserve(name.name, until=name.kept_until)
        name.delete()
    return len(former)


for _name, _erase, _order in (
    ("pictures", erase_pictures, erasing.ABOUT),
    ("sessions", erase_sessions, erasing.ABOUT),
    ("sign-ups and applications", erase_joining, erasing.ABOUT),
    ("site policy", erase_policy, erasing.ABOUT),
    ("admin log", erase_admin_log, erasing.ABOUT),
    ("reasons of blocks", erase_reasons, erasing.ABOUT),
    ("limits", erase_limits, erasing.ABOUT),
    ("mail and tasks", erase_commands, erasing.QUEUE),
    ("former names", erase_former_names, erasing.NAMES),
):
    erasing.register(_name, _erase, _order)
