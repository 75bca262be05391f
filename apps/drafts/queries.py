"""Reads of drafts: only their owner's."""

from collections.abc import Sequence

from django.db.models import F
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Left

from apps.accounts.models import User
from apps.drafts.models import Draft

BEGINNING = 300  # characters of a draft in the list


def listed(owner: User) -> Sequence[Draft]:
    """All drafts, the next one to be published first, then the one that was changed last.

    Without their fields; ``beginning`` has the first words.
    """
    text = KeyTextTransform("0", KeyTransform("text", "fields"))
    rows = Draft.objects.filter(owner=owner).defer("fields").annotate(beginning=Left(text, BEGINNING))
    return list(rows.order_by(F("publish_at").asc(nulls_last=True), "-changed_at", "-pk"))


def own(owner: User, draft_id: int) -> Draft | None:
    return Draft.objects.filter(owner=owner, pk=draft_id).first()
