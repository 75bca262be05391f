"""Writes of people."""

from django.db import transaction
from django.db.models import F

from apps.accounts import avatars, freshness
from apps.accounts.models import User


@transaction.atomic
def change_profile(*, user: User, display_name: str, bio: str) -> None:
    """Sets what a person says of themselves. A change of the name moves their version: cards show it."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    renamed = before.display_name != display_name
    User.objects.filter(pk=user.pk).update(
        display_name=display_name, bio=bio, version=F("version") + (1 if renamed else 0)
    )
    pages = [freshness.PEOPLE] if renamed else []
    if bio != before.bio:
        pages += [freshness.BIOS, freshness.user_pages(before.username)]
    freshness.changed(cache=[freshness.user_key(user.pk)], pages=pages)


def change_picture(*, user: User, picture: bytes | None) -> None:
    """Sets a person's picture (as `avatars.decode` made it), or removes it. Raises OSError.

    The old file goes only when the new one is known to the database; a failure in between leaves a file
    that nobody knows, never a person whose picture is missing.
    """
    name = avatars.store(picture) if picture else ""
    try:
        with transaction.atomic():
            before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            User.objects.filter(pk=user.pk).update(avatar=name, version=F("version") + 1)
            freshness.changed(cache=[freshness.user_key(user.pk)], pages=[freshness.PEOPLE])
    except BaseException:
        avatars.remove(name)
        raise
    avatars.remove(before.avatar)
