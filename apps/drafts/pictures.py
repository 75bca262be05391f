"""The pictures of drafts: uploads that wait as long as a draft has them."""

import datetime
from collections.abc import Collection

from django.utils import timezone

from apps.drafts.fields import kept_pictures
from apps.drafts.models import Draft
from apps.kwips.picture_forms import names_in
from apps.pictures import actions

# A draft is scheduled for at most a year. After this time without a change, its pictures are deleted.
KEPT = datetime.timedelta(days=400)


def keep(draft: Draft) -> None:
    if names := kept_pictures(draft.fields):
        actions.keep(owner=draft.owner_id, names=names, until=timezone.now() + KEPT)


def let_go(owner_id: int, names: Collection[str]) -> None:
    """Lets pictures that a draft had wait a day, as after an upload, unless another draft has them."""
    if not names:
        return
    # Only the names: the words of so many drafts are tens of megabytes.
    others = Draft.objects.filter(owner=owner_id, fields__has_key="pictures")
    kept = {name for sent in others.values_list("fields__pictures", flat=True) for name in names_in(sent)}
    if left := [name for name in names if name not in kept]:
        actions.wait(owner=owner_id, names=left, until=timezone.now() + actions.WAIT)
