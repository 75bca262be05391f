"""What kwips delete of a person whose account is deleted (`apps.accounts.erasing`)."""

from django.db import transaction
from django.db.models import F

from apps.accounts import erasing
from apps.accounts.models import User
from apps.kwips import actions, sharing
from apps.kwips.models import Favourite, Kwip, Mention, Share


def erase_written(person_id: int, limit: int) -> int:
    """Kwips with the comments below them, and comments, as when they are deleted one by one."""
    return actions.delete_some_of(author_id=person_id, limit=limit)


def erase_favourites(person_id: int, limit: int) -> int:
    kwip_ids = list(Favourite.objects.filter(user=person_id).values_list("kwip_id", flat=True)[:limit])
    for kwip_id in kwip_ids:
        try:
            actions.unfavourite(kwip=Kwip(pk=kwip_id), user=User(pk=person_id))
        except actions.Gone:
            pass
    return len(kwip_ids)


def erase_shares(person_id: int, limit: int) -> int:
    shares = Share.objects.filter(sharer=person_id)
    kwip_ids = list(shares.values_list("kwip_id", flat=True)[:limit])
    for kwip_id in kwip_ids:
        try:
            sharing.unshare(kwip=Kwip(pk=kwip_id), user=User(pk=person_id))
        except actions.Gone:
            shares.filter(kwip=kwip_id).delete()  # a share of a kwip that an earlier release deleted
    return len(kwip_ids)


@transaction.atomic
def erase_mentions(person_id: int, limit: int) -> int:
    """Texts of others keep the name, without its link.

    A new version of each: without the mention, the key of the card would be the one that it had before the
    person was hidden, and the card of that time may still be cached.
    """
    mentions = Mention.objects.filter(user=person_id)
    kwip_ids = list(mentions.order_by("kwip_id").values_list("kwip_id", flat=True)[:limit])
    locked = Kwip.objects.filter(pk__in=kwip_ids).order_by("pk").select_for_update(no_key=True)
    locked_ids = list(locked.values_list("pk", flat=True))
    Kwip.objects.filter(pk__in=locked_ids).update(version=F("version") + 1)
    mentions.filter(kwip_id__in=kwip_ids).delete()
    return len(kwip_ids)


erasing.register("kwips and comments", erase_written, erasing.WRITTEN)
erasing.register("favourites", erase_favourites, erasing.WRITTEN)
erasing.register("shares", erase_shares, erasing.WRITTEN)
erasing.register("mentions", erase_mentions, erasing.WRITTEN)
