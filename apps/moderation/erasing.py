"""What moderation deletes of a person whose account is deleted.

Their own cases, warnings, notes and appeals go as plain references. What they said in reports of others goes,
the reports stay. Texts about others stay, without @name and the like. The audit log keeps ids alone.
"""

import re

from django.conf import settings

from apps.accounts import erasing
from apps.accounts.identity import REPLACEMENT, identity, leave_out, without
from apps.accounts.models import User
from apps.moderation.models import Appeal, Case, Note, Report, Warning

_TEXTS = (
    (Case, ["text"]),
    (Report, ["words", "text"]),
    (Note, ["text"]),
    (Warning, ["words", "text"]),
    (Appeal, ["words"]),
)


def nameless(words: str, person: User) -> str:
    """Words for the audit log, in which nothing can be deleted later.

    Without the person's names and addresses, and without anyone's @name, address or page.
    """
    anyone = rf"[^\s<>()]*[@＠][^\s<>()]+|{re.escape(settings.SITE_URL)}/[^\s<>()]+"
    words = re.sub(anyone, REPLACEMENT, words)
    known = identity(person.pk)
    names = [name for name in (*known.names, person.display_name) if name]
    return without(known._replace(names=names).words, words) if names else words


def erase_words(person_id: int, limit: int) -> int:
    ids = list(Report.objects.filter(reporter=person_id).values_list("pk", flat=True)[:limit])
    return Report.objects.filter(pk__in=ids).update(reporter=None, words="")


def erase_names(person_id: int, limit: int) -> int:
    known = identity(person_id)
    if not known.names:
        return 0
    return sum(
        leave_out(known.references, model._base_manager.all(), limit, *columns) for model, columns in _TEXTS
    )


erasing.register("words of reports", erase_words, erasing.ABOUT)
erasing.register("names in moderation", erase_names, erasing.ABOUT)
