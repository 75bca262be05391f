"""Reads pictures."""

from collections.abc import Sequence

from django.db.models.functions import Now

from apps.pictures.models import Picture


def waiting(owner: int, names: Sequence[str]) -> list[Picture]:
    """The owner's waiting pictures of these names, in the order of ``names``; others are left out."""
    found = Picture.objects.filter(owner=owner, name__in=names, waits_until__gt=Now(), bytes__gt=0)
    by_name = {picture.name: picture for picture in found}
    return [by_name[name] for name in dict.fromkeys(names) if name in by_name]
