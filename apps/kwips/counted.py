"""New kwips, comments, favourites and shares: all statements of one are one message to PostgreSQL.

The first ones count it, and so lock the kwip, then the person. The last one sees all that was committed
before it got the locks: form keys are unique, and `Withheld` follows a switch of the author. If it returns no
row there is nothing to write, and the caller rolls back.

An app above joins its own writes to a new kwip or comment by `add`; the event has their result.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from django.db import connection

from apps.accounts.models import User
from apps.accounts.statements import counting
from apps.kwips import formatting
from apps.kwips.models import Kwip, Visibility, Withheld, noted
from apps.kwips.queries import loaded
from apps.kwips.visibility import SQL
from apps.statements import Sql, Statement, execute_together

# What `add` replaces.
SQL.fragments |= {
    "publish_ctes": Sql("", {}),
    "publish_value": Sql("NULL", {}),
    "comment_ctes": Sql("", {}),
    "comment_value": Sql("NULL", {}),
}

MARKS = ("favourites_count", "shares_count")  # as `sql/marked.sql` returns them


class Draft(NamedTuple):
    """What to store. ``tags`` and ``names`` are those that the text mentions; they may not exist."""

    author: User
    text: str
    tags: list[str]
    names: list[str]
    content_note: str = ""
    is_formatted: bool = False
    is_sensitive: bool = False
    is_held: bool = False

    @property
    def noted_text(self) -> str:
        return noted(self.content_note, self.text)

    @classmethod
    def of(cls, author: User, text: str, *, is_plain: bool = False, **rest: Any) -> "Draft":
        """``is_plain`` may only switch formatting off for a text; the account may for all."""
        is_formatted = author.formats_texts and not is_plain
        named = formatting.tags_and_mentions(text, formatted=is_formatted)
        return cls(author, text, *named, is_formatted=is_formatted, **rest)


class New(NamedTuple):
    """A stored kwip. ``added`` is the value of the statement that `add` changed."""

    kwip: Kwip
    username: str  # of its author, as it is now
    added: Any


class Comment(NamedTuple):
    """A stored comment. ``thread`` is as it is now, without its text."""

    comment: Kwip
    thread: Kwip
    threads_tags: list[str]
    username: str  # of the comment's author, as it is now
    added: Any  # as in `New`


class Marked(NamedTuple):
    """``kwip`` is as it is now, without its text; ``username`` is of whom the favourite or share is."""

    kwip: Kwip
    tags: list[str]
    username: str


type Extensible = Literal["publish", "comment"]
type Parameters = Callable[[Draft], Mapping[str, Any]]

# The parameters of what was added, by statement.
_added: dict[str, list[Parameters]] = {"publish": [], "comment": []}


def add(
    statement: Extensible, ctes: Sql, *, value: str | None = None, parameters: Parameters | None = None
) -> None:
    """Adds an app's SQL to the statement of a new kwip or comment. Called from `AppConfig.ready`.

    ``ctes`` follow `made`, the new row or none, and `mentioned`, the ids of the people whom it mentions;
    ``parameters`` are those that they have of their own. The column ``value``, of one app, is ``added`` in
    `events.Published` and `events.Commented`.
    """
    before = SQL.fragments[f"{statement}_ctes"]
    SQL.fragments[f"{statement}_ctes"] = Sql(f"{before.text},\n{ctes.text}", before.types | ctes.types)
    if value is not None:
        SQL.fragments[f"{statement}_value"] = Sql(value, {})
    if parameters is not None:
        _added[statement].append(parameters)


def insert_kwip(draft: Draft, form_key: uuid.UUID, *, followers_only: bool | None) -> New | None:
    """Stores a kwip; ``followers_only`` as in `actions.publish`. None: the form key is used."""
    chosen = {None: None, False: Visibility.EVERYONE.value, True: Visibility.FOLLOWERS.value}[followers_only]
    row = _insert([counting("kwips_count")], "publish", draft, form_key, visibility=chosen)
    if row is None:
        return None
    kwip_id, withheld, created_at, visibility, audience_id, username, added = row
    kwip = _new(
        draft,
        form_key,
        id=kwip_id,
        thread_id=None,
        answers_id=None,
        visibility=visibility,
        audience_id=audience_id,
        withheld=withheld,
        created_at=created_at,
    )
    return New(kwip, username, added)


def insert_comment(
    draft: Draft, form_key: uuid.UUID, *, thread_id: int, answers_id: int | None, track: bool | None
) -> Comment | None:
    """Stores a comment, and whether its author tracks the conversation.

    None: the form key is used, or the thread or the answered comment is deleted.
    """
    locks = [SQL.statement("count_comment"), counting("comments_count")]
    row = _insert(locks, "comment", draft, form_key, thread=thread_id, answers=answers_id, track=track)
    if row is None:
        return None
    comment_id, withheld, created_at, username, *columns, threads_username, threads_tags, added = row
    names = ("author_id", "visibility", "audience_id", "version", "comments_count", "favourites_count")
    thread = _as_it_is(thread_id, threads_username, thread_id=None, **dict(zip(names, columns, strict=True)))
    made = _new(
        draft,
        form_key,
        id=comment_id,
        thread_id=thread_id,
        answers_id=answers_id,
        visibility=thread.visibility,
        audience_id=thread.audience_id,
        withheld=withheld,
        created_at=created_at,
    )
    made.thread = thread
    return Comment(made, thread, threads_tags, username, added)


def mark(statement: str, kwip_id: int, user_id: int, *, by: int, locks: Sequence[Statement]) -> Marked | None:
    """Executes the statement after ``locks``, which count it. None: it changes nothing."""
    row = _execute(locks, statement, {"kwip": kwip_id, "person": user_id, "by": by})
    if row is None:
        return None
    *columns, authors_username, username, tags = row
    names = ("author_id", "thread_id", "visibility", "audience_id", "version", *MARKS)
    kwip = _as_it_is(kwip_id, authors_username, **dict(zip(names, columns, strict=True)))
    return Marked(kwip, tags, username)


@cache
def counting_mark(counter: str) -> Statement:
    """Adds ``by`` to a counter of ``kwip``, and locks the row: see `sql/count_mark.sql`."""
    return SQL.load("count_mark", counter=counter).statement("count_mark.sql", f"kwips_count_{counter}")


def _insert(
    counts: list[Statement], last: Extensible, draft: Draft, form_key: uuid.UUID, **columns: Any
) -> tuple[Any, ...] | None:
    new_tags = [SQL.statement("new_tags")] if draft.tags else []
    parameters = {
        "person": draft.author.pk,
        "by": 1,
        "author": draft.author.pk,
        "text": draft.text,
        "content_note": draft.content_note,
        "is_formatted": draft.is_formatted,
        "is_sensitive": draft.is_sensitive,
        "tags": draft.tags,
        "names": draft.names,
        "form_key": str(form_key),
        "suspended": Withheld.SUSPENDED.value,
        "held": Withheld.HELD.value if draft.is_held else 0,
    }
    for added in _added[last]:
        parameters |= added(draft)
    return _execute([*counts, *new_tags], last, parameters | columns)


def _execute(first: Sequence[Statement], last: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The row that the statement ``last`` returns, executed after the others."""
    with connection.cursor() as cursor:
        execute_together(cursor, [*first, SQL.statement(last)], parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _as_it_is(kwip_id: int, username: str, **columns: Any) -> Kwip:
    """A locked kwip, without its text; its author has a user name only."""
    kwip = loaded(Kwip, id=kwip_id, **columns)
    kwip.author = loaded(User, id=kwip.author_id, username=username)
    return kwip


def _new(draft: Draft, form_key: uuid.UUID, **columns: Any) -> Kwip:
    """The stored row; the statements leave all other columns at these values."""
    rest = {"edited_at": None, "version": 1, "comments_count": 0} | dict.fromkeys(MARKS, 0)
    kwip = loaded(
        Kwip,
        author_id=draft.author.pk,
        text=draft.text,
        content_note=draft.content_note,
        is_formatted=draft.is_formatted,
        is_sensitive=draft.is_sensitive,
        form_key=form_key,
        last_active_at=columns["created_at"],
        **columns,
        **rest,
    )
    kwip.author = draft.author
    return kwip
