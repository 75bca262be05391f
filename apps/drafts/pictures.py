"""The pictures of drafts: uploads that wait as long as a draft has them."""

import datetime
from collections.abc import Collection

from django.utils import timezone

from apps.drafts.fields import kept_pictures
from apps.drafts.models import Draft
from apps.pictures import actions

# Longer than a draft may wait for its time. A draft that nobody touches for so long keeps its words alone.
KEPT = datetime.timedelta(days=400)


def keep(draft: Draft) -> None:
    if names := kept_pictures(draft.fields):
        actions.keep(owner=draft.owner_id, names=names, until=timezone.now() + KEPT)


def let_go(owner_id: int, names: Collection[str]) -> None:
    """Lets pictures that a draft had wait a day, as after an upload, unless another draft has them."""
    if not names:
        return
    others = Draft.objects.filter(owner=owner_id, fields__has_key="pictures").values_list("fields", flat=True)
    kept = {name for fields in others for name in kept_pictures(fields)}
    if left := [name for name in names if name not in kept]:
        actions.wait(owner=owner_id, names=left, until=timezone.now() + actions.WAIT)
