"""The search of the kwips admin: by words, author, link or number.

Words have no index: a trigram index would cost every write more than it saves. They are searched in the
newest `WINDOW` kwips; ``before:`` continues further back.
"""

import re
from dataclasses import dataclass, field

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.kwips.models import Kwip

WINDOW = 50_000
_NUMBER = re.compile(r"#?(-?\d{1,18})")
_LINK = re.compile(r"/kwip/(-?\d{1,18})(?:/[^\s#]*)?(?:#kwip-(\d{1,18}))?")


@dataclass
class Sought:
    """A parsed search."""

    kwip_id: int | None = None
    author: str = ""
    before: int | None = None
    words: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> "Sought":
        """A link or a number alone; or words, ``@name``, ``@begin*`` and ``before:123`` in any order."""
        text = text.replace("\0", "").strip()
        if link := _LINK.search(text):
            return cls(kwip_id=int(link[2] or link[1]))
        if number := _NUMBER.fullmatch(text):
            return cls(kwip_id=int(number[1]))
        found = cls()
        for token in text.split():
            if token.startswith("@") and len(token) > 1 and not found.author:
                found.author = token[1:].lower()
            elif before := re.fullmatch(r"before:#?(\d{1,18})", token):
                found.before = int(before[1])
            else:
                found.words.append(token)
        return found

    def __str__(self) -> str:
        parts = [
            f"number {self.kwip_id}" if self.kwip_id is not None else "",
            f"the words {', '.join(f'“{word}”' for word in self.words)}" if self.words else "",
            self._author(),
            f"numbers below {self.before}" if self.before is not None else "",
        ]
        return "; ".join(filter(None, parts))

    def _author(self) -> str:
        if self.author.endswith("*"):
            return f"authors whose user names begin with {self.author[:-1]}"
        return f"the author {self.author}" if self.author else ""


def find(rows: QuerySet[Kwip], sought: Sought) -> tuple[QuerySet[Kwip], int | None]:
    """The matching ``rows``, and the lowest id that was searched, or None if all rows were."""
    if sought.kwip_id is not None:
        return rows.filter(pk=sought.kwip_id), None
    if sought.author.endswith("*"):
        rows = rows.filter(author__in=User.objects.filter(username__startswith=sought.author[:-1]))
    elif sought.author:
        # By id, so that PostgreSQL plans for this author.
        author = User.objects.filter(username=sought.author).values_list("pk", flat=True).first()
        rows = rows.filter(author_id=author or 0)
    if sought.before is not None:
        rows = rows.filter(pk__lt=sought.before)
    if not sought.words:
        return rows, None
    newest = rows.order_by("-pk").values_list("pk", flat=True)
    floor = next(iter(newest[WINDOW - 1 : WINDOW]), None)
    if floor is not None:
        rows = rows.filter(pk__gte=floor)
    for word in sought.words:
        rows = rows.filter(text__icontains=word)
    return rows, floor
